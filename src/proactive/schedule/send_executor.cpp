#include "proactive/schedule/send_executor.hpp"

#include "async/describe_error.hpp"

#include <tern/async/log.hpp>

#include <exception>

namespace tern::proactive {

std::optional<WallTime> SendQuestions::next_occurrence(const ScheduledSend& send, WallTime now) const noexcept {
  try {
    return sends_.next_occurrence(send, now);
  } catch (...) {
    log::error("when a scheduled send comes again could not be found; it comes no more",
               {{"send", send.handle.to_string()}, {"error", detail::describe(std::current_exception())}});
    return std::nullopt;
  }
}

std::optional<StoreUpsert> SendQuestions::note_of(const ScheduledSend& send,
                                                  const SendOutcome& outcome) const noexcept {
  try {
    return sends_.note_of(send, outcome);
  } catch (...) {
    log::error("what became of a scheduled send could not be noted for its broadcast",
               {{"send", send.handle.to_string()}, {"error", detail::describe(std::current_exception())}});
    return std::nullopt;
  }
}

WallTime SendQuestions::not_before(const ScheduledSend& send, WallTime now) const noexcept {
  try {
    return sends_.not_before(send, now);
  } catch (...) {
    log::error("the quiet hours of a scheduled send could not be found; it is sent now",
               {{"send", send.handle.to_string()}, {"error", detail::describe(std::current_exception())}});
    return now;
  }
}

}  // namespace tern::proactive

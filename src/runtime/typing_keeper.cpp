#include "runtime/typing_keeper.hpp"

#include "async/describe_error.hpp"
#include "turn/make_send.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/co_spawn.hpp>

#include <utility>

namespace tern::runtime {

class TypingKeeper::Indicator : public TimingWheel::Entry, public std::enable_shared_from_this<Indicator> {
 public:
  Indicator(Shard& shard, detail::TurnEnvironment& environment, ConversationReference reference)
      : shard_(shard), environment_(environment), reference_(std::move(reference)) {
    shard_.wheel().arm(*this, Deadline::after(first, environment_.clock));
  }

  std::size_t tasks = 0;

  // The entry unlinks itself instead of asking the wheel: at the end of the process the wheel may be destroyed before
  // the work.
  void stop() noexcept {
    stopped_ = true;
    if (armed()) {
      unlink();
    }
  }

 private:
  void on_expired() noexcept override {
    asio::co_spawn(shard_.io(), show(shared_from_this()),
                   [self = shared_from_this()](std::exception_ptr error) { self->shown(error); });
  }

  static awaitable<void> show(std::shared_ptr<Indicator> self) {
    auto typing = Activity::typing();
    detail::address_proactive(typing, self->reference_);
    detail::note_caller(typing, self->reference_);
    const auto by = Deadline::after(self->environment_.send_timeout, self->environment_.clock);
    co_await self->environment_.sender.send(typing, {}, by);
  }

  // The next indicator is armed when this one has arrived, so that a slow channel does not get more of them.
  void shown(const std::exception_ptr& error) noexcept {
    if (error) {
      log::debug("typing could not be shown", {{"error", detail::describe(error)}});
    }
    if (!stopped_) {
      shard_.wheel().arm(*this, Deadline::after(interval, environment_.clock));
    }
  }

  Shard& shard_;
  detail::TurnEnvironment& environment_;
  ConversationReference reference_;
  bool stopped_ = false;
};

TypingKeeper::TypingKeeper(Shard& shard, detail::TurnEnvironment& environment)
    : shard_(shard), environment_(environment) {}

TypingKeeper::~TypingKeeper() {
  for (auto& [key, indicator] : indicators_) {
    indicator->stop();
  }
}

void TypingKeeper::begin(const std::string& key, const ConversationReference& reference) {
  auto& indicator = indicators_[key];
  if (!indicator) {
    indicator = std::make_shared<Indicator>(shard_, environment_, reference);
  }
  ++indicator->tasks;
}

void TypingKeeper::end(const std::string& key) {
  const auto found = indicators_.find(key);
  if (found == indicators_.end() || --found->second->tasks > 0) {
    return;
  }
  found->second->stop();
  indicators_.erase(found);
}

}  // namespace tern::runtime

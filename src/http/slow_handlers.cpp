#include "http/slow_handlers.hpp"

#include <poll.h>

#include <array>

namespace tern::http {

namespace {

constexpr std::size_t batch = 32;  // clients that one system call looks at
constexpr std::size_t most_batches = 8;

}  // namespace

void SlowHandlers::begin(Session& session) noexcept {
  session.handling_since = round_;
  if (!armed()) {
    --session.handling_since;  // the entry expires a whole tick after this handler has begun
    arm();
  }
  unwatched_.push_back(session);
  count(unwatched() + 1);
}

void SlowHandlers::end(Session& session) noexcept {
  if (session.handling_hook.is_linked()) {
    session.handling_hook.unlink();
    count(unwatched() - 1);
  }
}

Session& SlowHandlers::take_first() noexcept {
  Session& session = unwatched_.front();
  unwatched_.pop_front();
  count(unwatched() - 1);
  return session;
}

void SlowHandlers::look() noexcept {
  for (std::size_t i = 0; i < most_batches && !unwatched_.empty(); ++i) {
    if (look_at_batch()) {
      return;
    }
  }
}

// True when one of the clients has gone, or its session is expendable now.
bool SlowHandlers::look_at_batch() noexcept {
  std::array<Session*, batch> sessions{};
  std::array<pollfd, batch> polled{};
  std::size_t size = 0;
  for (; size < batch && !unwatched_.empty(); ++size) {
    sessions[size] = &take_first();
    polled[size] = {sessions[size]->descriptor(), POLLRDHUP, 0};
  }
  ::poll(polled.data(), size, 0);  // when this fails, all of them are watched
  bool found = false;
  for (std::size_t i = 0; i < size; ++i) {
    found = sessions[i]->begin_watch(polled[i].revents) || found;
  }
  return found;
}

void SlowHandlers::on_expired() noexcept {
  while (!unwatched_.empty() && unwatched_.front().handling_since != round_) {
    take_first().begin_watch();
  }
  ++round_;
  if (!unwatched_.empty()) {
    arm();
  }
}

}  // namespace tern::http

#include "hint_connection.hpp"

#include <tern/async/log.hpp>
#include <tern/error.hpp>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <utility>

namespace tern::detail::pg {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds longest_hint_pause{2000};
constexpr milliseconds look_whether_alive{5000};
constexpr milliseconds patience_for_hints{2000};
// One NOTIFY is committed at a time, so this one may wait for the disk of others; nothing is heard meanwhile anyway.
constexpr milliseconds patience_to_tell{10'000};
constexpr milliseconds between_notes{20};

SteadyTime hint_time(milliseconds from_now) noexcept {
  return std::chrono::steady_clock::now() + from_now;
}

int make_event() {
  const int event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0) {
    throw_error(errc::overloaded, "There is no descriptor for the hints of the Postgres storage; raise ulimit -n.");
  }
  return event;
}

}  // namespace

HintConnection::HintConnection(const ConnectionString& target, const PostgresOptions& options,
                               const HintStatement& hint, Watchdog& watchdog)
    : target_(target),
      options_(options),
      hint_(hint),
      watchdog_(watchdog),
      back_off_(longest_hint_pause),
      wake_(make_event()) {}

HintConnection::~HintConnection() {
  stop();
  ::close(wake_);
}

void HintConnection::start(HintListener listener) {
  listener_ = std::move(listener);
  thread_ = std::thread([this] { run(); });
}

void HintConnection::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_one();
  wake();
  if (thread_.joinable()) {
    thread_.join();
  }
  hears_.store(false, std::memory_order_release);
}

void HintConnection::wake() noexcept {
  const std::uint64_t one = 1;
  (void)::write(wake_, &one, sizeof one);
}

void HintConnection::tell(std::string topic, std::string text) {
  if (hears()) {
    notes_.add(std::move(topic), std::move(text));
    wake();
  }
}

bool HintConnection::is_stopped() {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

void HintConnection::run() {
  while (!is_stopped()) {
    try {
      if (!hear()) {
        return;
      }
    } catch (const Failure& failure) {
      hears_.store(false, std::memory_order_release);
      say_away(failure);
    } catch (const std::exception& e) {  // no memory
      hears_.store(false, std::memory_order_release);
      say_away(Failure(FailureKind::outage, e.what()));
    }
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, hint_time(back_off_.next()), [this] { return stopped_; });
  }
}

// Once for each outage, which the connections of the lanes tell of as well.
void HintConnection::say_away(const Failure& failure) {
  if (!is_stopped() && !std::exchange(said_away_, true)) {
    log::warn("the changes of other processes are not heard of now; they are looked for from time to time",
              {{"storage", "postgres"}, {"why", failure.what()}});
  }
}

bool HintConnection::hear() {
  if (options_.pgbouncer) {
    say_never("a pooler stands before the server (storage.pgbouncer)");
    return false;
  }
  Session session(target_, options_, watchdog_);
  if (!listen(session)) {
    return false;
  }
  hears_.store(true, std::memory_order_release);
  if (std::exchange(said_away_, false)) {
    log::info("the changes of other processes are heard of again", {{"storage", "postgres"}});
  }
  back_off_ = BackOff(longest_hint_pause);
  (void)notes_.take();  // they are of the time before
  listener_({});        // what was written before
  follow(session);
  return true;
}

bool HintConnection::listen(Session& session) {
  if (session.is_behind_pooler(hint_time(patience_for_hints))) {
    say_never("a pooler such as PgBouncer stands before the server");
    return false;
  }
  try {
    session.listen(
        hint_.channel(), [this](const std::string& payload) { take(payload); }, hint_time(patience_for_hints));
    session.listen(
        hint_.channel_of_notes(), [this](const std::string& payload) { take_note(payload); },
        hint_time(patience_for_hints));
    return true;
  } catch (const Failure& failure) {
    if (failure.is_lost() || failure.kind() == FailureKind::timed_out || failure.kind() == FailureKind::full) {
      throw;
    }
    say_never(failure.what());
    return false;
  }
}

void HintConnection::say_never(const char* why) {
  log::info("the changes of other processes are looked for from time to time, because LISTEN does not work here",
            {{"storage", "postgres"}, {"why", why}});
}

void HintConnection::follow(Session& session) {
  auto look_at = hint_time(look_whether_alive);
  auto tell_at = hint_time(milliseconds(0));
  while (!is_stopped()) {
    wait(session, notes_.empty() ? look_at : std::min(look_at, tell_at));
    if (is_stopped()) {
      return;
    }
    if (std::chrono::steady_clock::now() >= look_at) {  // a server that has gone says nothing
      session.run("SELECT 1", hint_time(patience_for_hints));
      look_at = hint_time(look_whether_alive);
    }
    if (!notes_.empty() && std::chrono::steady_clock::now() >= tell_at) {
      tell_notes(session);
      tell_at = hint_time(between_notes);
    }
    session.take_notifications(hint_time(patience_for_hints));
  }
}

void HintConnection::wait(Session& session, SteadyTime until) {
  const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
  std::array<pollfd, 2> waited{pollfd{session.socket(), POLLIN | POLLRDHUP, 0}, pollfd{wake_, POLLIN, 0}};
  if (::poll(waited.data(), waited.size(), static_cast<int>(std::max(left, milliseconds(0)).count())) < 0 &&
      errno != EINTR) {
    throw Failure(FailureKind::outage, "the connection for hints cannot be waited for.");
  }
  if (waited[1].revents != 0) {
    std::uint64_t count = 0;
    (void)::read(wake_, &count, sizeof count);
  }
}

void HintConnection::tell_notes(Session& session) {
  const auto notes = notes_.take();
  try {
    hint_.tell(session, notes, hint_time(patience_to_tell));
  } catch (const Failure& failure) {
    if (failure.is_lost() || failure.kind() == FailureKind::timed_out || failure.kind() == FailureKind::full) {
      throw;
    }
    if (!std::exchange(said_not_told_, true)) {
      log::warn("other processes are not told what is only shown", {{"storage", "postgres"}, {"why", failure.what()}});
    }
  }
}

// Listeners of this process have heard of its own writes already.
bool HintConnection::is_own(std::string_view payload) const noexcept {
  return payload.substr(0, payload.find(' ')) == hint_.origin();
}

void HintConnection::take(const std::string& payload) {
  const auto end = payload.find(' ');
  if (end == std::string::npos || end + 1 == payload.size() || is_own(payload)) {
    return;
  }
  listener_(std::string_view(payload).substr(end + 1));
}

void HintConnection::take_note(const std::string& payload) {
  const auto end = payload.find(' ');
  const auto line = payload.find('\n');
  if (!note_listener_ || end == std::string::npos || line == std::string::npos || line <= end + 1 || is_own(payload)) {
    return;
  }
  const std::string_view all(payload);
  note_listener_(all.substr(end + 1, line - end - 1), all.substr(line + 1));
}

}  // namespace tern::detail::pg

#include "connector/race.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>

#include <algorithm>
#include <utility>

namespace tern::connector {

using asio::ip::tcp;

namespace {

constexpr auto tuple = asio::as_tuple(asio::deferred);
constexpr SteadyTime at_once = SteadyTime::min();

}  // namespace

/// Lives until its coroutine has ended, which may be after the race.
struct Race::Attempt {
  Race* race;  // nullptr once it is over
  std::shared_ptr<void> owner;
  tcp::endpoint where;
  std::unique_ptr<Connection> connection;
  SocketPlace extra;  // beside the place that the race is for
};

Race::Race(const HostSetup& setup, Host& host, std::shared_ptr<void> owner)
    : setup_(setup), host_(host), owner_(std::move(owner)) {}

Race::~Race() {
  for (const auto& attempt : attempts_) {
    abandon(*attempt);
  }
}

awaitable<error_code> Race::run(std::vector<tcp::endpoint> addresses, Deadline by) {
  // Not one after the other with nothing left for the last.
  const auto share = by.remaining(setup_.clock) / static_cast<int>(std::max<std::size_t>(addresses.size(), 1));
  const auto delay = std::min<SteadyTime::duration>(setup_.attempt_delay, share);
  std::size_t next = 0;
  error_ = asio::error::host_not_found;
  for (;;) {
    if (thrown_) {
      std::rethrow_exception(thrown_);
    }
    if (winner_) {
      co_return error_code();
    }
    const SteadyTime now = setup_.clock.now();
    if (by.when() <= now) {
      co_return errc::timed_out;
    }
    const bool more = next < addresses.size();
    if (more && (attempts_.empty() || next_at_ <= now)) {
      // Counted from when it was to begin, not from when the wheel came to it: the last must have its turn.
      const bool on_time = !attempts_.empty() && next_at_ != at_once;
      next_at_ = (on_time ? next_at_ : now) + delay;
      start(addresses[next++]);
      continue;
    }
    if (attempts_.empty()) {
      co_return error_;
    }
    host_.races.push(waiter_);
    setup_.wheel.arm(waiter_, more ? by.min(Deadline::at(next_at_)) : by);
    auto [why] = co_await waiter_.wait(tuple);
    if (host_.aborted() || why == asio::error::operation_aborted) {
      co_return asio::error::operation_aborted;
    }
  }
}

// Where there is no descriptor for one more, the attempt that has had its time longest ends.
SocketPlace Race::make_room() {
  if (attempts_.empty()) {
    return {};
  }
  SocketPlace extra = setup_.sockets.try_take(!host_.has_answered());
  if (!extra) {
    extra = std::move(attempts_.front()->extra);
    abandon(*attempts_.front());
    attempts_.erase(attempts_.begin());
  }
  return extra;
}

void Race::abandon(Attempt& attempt) noexcept {
  attempt.race = nullptr;
  attempt.connection->close();
  attempt.connection->in_use.unlink();
}

void Race::start(const tcp::endpoint& where) {
  SocketPlace extra = make_room();
  auto attempt = std::make_shared<Attempt>(this, owner_, where, host_.new_connection(), std::move(extra));
  attempts_.push_back(attempt);
  asio::co_spawn(setup_.connection.io, attempt->connection->connect(where),
                 [attempt](std::exception_ptr thrown, error_code error) {
                   if (attempt->race != nullptr) {
                     attempt->race->ended(*attempt, thrown, error);
                   }
                 });
}

void Race::ended(Attempt& attempt, std::exception_ptr thrown, error_code error) noexcept {
  attempt.race = nullptr;
  if (thrown) {
    thrown_ = thrown;
  } else if (error) {
    error_ = error;
    next_at_ = at_once;
  } else if (!winner_) {
    winner_ = std::move(attempt.connection);
    where_ = attempt.where;
  } else {
    attempt.connection->close();
  }
  std::erase_if(attempts_, [&attempt](const auto& one) { return one.get() == &attempt; });
  waiter_.wake();
}

std::unique_ptr<Connection> Race::take_winner() noexcept {
  return std::move(winner_);
}

}  // namespace tern::connector

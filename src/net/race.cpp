#include "net/race.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>

#include <algorithm>
#include <utility>

namespace tern::net {

using asio::ip::tcp;

namespace {

constexpr auto tuple = asio::as_tuple(asio::deferred);
constexpr SteadyTime at_once = SteadyTime::min();

}  // namespace

/// An attempt to connect to one address. Its coroutine keeps it alive, maybe for longer than the race.
struct Race::Attempt {
  Race* race;  // nullptr once the attempt has ended or was abandoned
  std::shared_ptr<void> owner;
  tcp::endpoint where;
  std::unique_ptr<Connection> connection;
  SocketPermit extra;  // the permit of an attempt beside the first
};

Race::Race(const HostSetup& setup, Host& host, std::shared_ptr<void> owner)
    : setup_(setup), host_(host), owner_(std::move(owner)) {}

Race::~Race() {
  for (const auto& attempt : attempts_) {
    abandon(*attempt);
  }
}

awaitable<error_code> Race::run(std::vector<tcp::endpoint> addresses, Deadline by) {
  // Short enough that the last address gets its turn before `by`.
  const auto longest_delay = by.remaining(setup_.clock) / static_cast<int>(std::max<std::size_t>(addresses.size(), 1));
  const auto delay = std::min<SteadyTime::duration>(setup_.attempt_delay, longest_delay);
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
      // Counted from the planned time, not from the tick of the wheel: the last address must get its turn.
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

// When there is no permit for one more attempt, the oldest attempt ends and gives up its permit.
SocketPermit Race::make_room() {
  if (attempts_.empty()) {
    return {};
  }
  SocketPermit extra = setup_.sockets.try_take(!host_.has_answered());
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
  SocketPermit extra = make_room();
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

}  // namespace tern::net

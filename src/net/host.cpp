#include "net/host.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace tern::net {

Loan::Loan(Host& host, std::unique_ptr<Connection> connection) noexcept
    : host_(&host), connection_(std::move(connection)) {}

Loan::Loan(Loan&& other) noexcept : host_(other.host_), connection_(std::move(other.connection_)) {}

Loan& Loan::operator=(Loan&& other) noexcept {
  if (this != &other) {
    end();
    host_ = other.host_;
    connection_ = std::move(other.connection_);
  }
  return *this;
}

void Loan::end() noexcept {
  if (connection_) {
    host_->give_back(std::move(connection_));
  }
}

void Loan::fill(std::unique_ptr<Connection> connection) noexcept {
  connection->permit = std::move(connection_->permit);
  connection_ = std::move(connection);
}

Host::Host(const HostSetup& setup, HostSpec spec) : addresses(spec.port), setup_(setup), spec_(std::move(spec)) {}

std::string Host::way() const {
  return has_proxy() ? origin() + " through the proxy " + spec_.proxy : origin();
}

Host::~Host() {
  SocketSeeker::Hook::unlink();
  stop_keeping();
}

Loan Host::try_take() {
  if (!line_.empty()) {
    return {};
  }
  if (!kept_.empty()) {
    ++used_;
    return Loan(*this, take_kept());
  }
  if (used_ >= setup_.in_flight) {
    return {};
  }
  SocketPermit permit = setup_.sockets.try_take(!has_answered_);
  return permit ? take_new(std::move(permit)) : Loan();
}

Loan Host::take_new(SocketPermit permit) {
  kept_.reserve(used_ + 1);  // so that giving the connection back needs no memory
  auto connection = new_connection();
  connection->permit = std::move(permit);
  ++used_;
  return Loan(*this, std::move(connection));
}

std::unique_ptr<Connection> Host::take_kept() noexcept {
  auto connection = std::move(kept_.back());
  kept_.pop_back();
  connection->set_keeper(nullptr);
  connection->unlink_idle();
  setup_.wheel.disarm(*connection);
  in_use_.push_back(*connection);
  return connection;
}

void Host::wait(LoanWaiter& waiter) noexcept {
  line_.push(waiter);
  seek();
}

void Host::seek() noexcept {
  if (!SocketSeeker::Hook::is_linked() && used_ < setup_.in_flight) {
    setup_.sockets.seek(*this, !has_answered_);
  }
}

bool Host::on_socket(SocketPermit& permit) noexcept {
  // No call waits any more, or it gets a connection that another call gives back.
  if (line_.empty() || used_ >= setup_.in_flight) {
    return false;
  }
  try {
    Loan loan = take_new(std::move(permit));
    Waiter* first = line_.pop();
    static_cast<LoanWaiter*>(first)->loan = std::move(loan);
    first->wake();
  } catch (const std::bad_alloc&) {
    return false;  // the call may still get a connection that another call gives back
  }
  return !line_.empty() && used_ < setup_.in_flight;
}

void Host::becomes_known() noexcept {
  if (has_answered_) {
    return;
  }
  has_answered_ = true;
  for (Connection& connection : in_use_) {
    connection.permit.becomes_known();
  }
  for (const auto& connection : kept_) {
    connection->permit.becomes_known();
  }
  if (SocketSeeker::Hook::is_linked()) {
    setup_.sockets.seek(*this, false);
  }
  setup_.sockets.serve();
}

bool Host::find_usable(Loan& loan) noexcept {
  while (!loan->quiet()) {
    if (kept_.empty()) {
      loan->close();
      return false;
    }
    loan.replace(take_kept());
  }
  return true;
}

void Host::give_back(std::unique_ptr<Connection> connection) noexcept {
  if (aborted_) {
    return;
  }
  setup_.wheel.disarm(*connection);
  const SteadyTime now = setup_.clock.now();
  if (!connection->answer.reusable || connection->retires_at <= now) {
    connection->close();  // an exchange was cut, the peer wants the connection closed, or it has reached its lifetime
  }
  connection->answer.trim();
  if (!line_.empty() && setup_.sockets.wanted_for_long(*this)) {
    give_up(std::move(connection));
    return;
  }
  if (Waiter* first = line_.pop()) {
    static_cast<LoanWaiter*>(first)->loan = Loan(*this, std::move(connection));
    first->wake();
    return;
  }
  --used_;
  connection->in_use.unlink();
  keep(connection, now);
}

// A busy host gives its connection up when another host has waited for more than a second.
void Host::give_up(std::unique_ptr<Connection> connection) noexcept {
  --used_;
  SocketSeeker::Hook::unlink();  // so that the permit goes to another host
  connection.reset();
  seek();
}

std::unique_ptr<Connection> Host::new_connection() {
  auto connection = make_connection(setup_.connection, spec_.peer);
  in_use_.push_back(*connection);
  return connection;
}

bool Host::was_late() noexcept {
  constexpr int no_chance = 2;
  constexpr int most = 4;
  timely_in_row_ = 0;
  if (++late_in_row_ < no_chance || patience == most) {
    return false;
  }
  late_in_row_ = 0;
  patience *= 2;
  return true;
}

void Host::answered(bool in_usual_time) noexcept {
  constexpr int enough = 16;
  late_in_row_ = 0;
  if (patience == 1) {
    return;
  }
  timely_in_row_ = in_usual_time ? timely_in_row_ + 1 : 0;
  if (timely_in_row_ >= enough) {
    timely_in_row_ = 0;
    patience /= 2;
  }
}

SteadyTime Host::next_retirement() noexcept {
  constexpr int steps = 8;
  connected_ = (connected_ + 1) % steps;
  const auto time = setup_.connection_lifetime;
  return setup_.clock.now() + time - time * connected_ / (steps * steps);
}

bool Host::keep(std::unique_ptr<Connection>& connection, SteadyTime now) noexcept {
  SteadyTime::duration time = std::min<SteadyTime::duration>(setup_.idle_timeout, connection->retires_at - now);
  if (connection->answer.keep_alive) {
    // A second less than the peer says, so that the peer does not close while a request is on its way.
    time = std::min<SteadyTime::duration>(time, *connection->answer.keep_alive - std::chrono::seconds(1));
  }
  if (!keeping_ || !connection->open() || time <= SteadyTime::duration::zero() || setup_.sockets.wanted()) {
    return false;
  }
  connection->set_keeper(this);
  setup_.wheel.arm(*connection, Deadline::at(now + time));
  setup_.sockets.add_idle(*connection);
  kept_.push_back(std::move(connection));
  return true;
}

void Host::on_idle_expired(Connection& connection) noexcept {
  const auto found =
      std::find_if(kept_.begin(), kept_.end(), [&connection](const auto& kept) { return kept.get() == &connection; });
  const auto ended = std::move(*found);  // destroyed last: its permit may go to a waiter, which calls this host
  kept_.erase(found);
}

void Host::stop_keeping() noexcept {
  keeping_ = false;
  const auto ended = std::exchange(kept_, {});
}

void Host::abort() noexcept {
  aborted_ = true;
  stop_keeping();
  for (Connection& connection : in_use_) {
    setup_.wheel.disarm(connection);
    connection.close();
  }
  line_.wake_all(asio::error::operation_aborted);
  resolve_line.wake_all(asio::error::operation_aborted);
  races.wake_all(asio::error::operation_aborted);
}

}  // namespace tern::net

#include "connector/host.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <utility>

namespace tern::connector {

Lease::Lease(Host& host, std::unique_ptr<Connection> connection) noexcept
    : host_(&host), connection_(std::move(connection)) {}

Lease::Lease(Lease&& other) noexcept : host_(other.host_), connection_(std::move(other.connection_)) {}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    end();
    host_ = other.host_;
    connection_ = std::move(other.connection_);
  }
  return *this;
}

void Lease::end() noexcept {
  if (connection_) {
    host_->give_back(std::move(connection_));
  }
}

Host::Host(const HostSetup& setup, const ServiceUrl& url, std::string origin, TlsSettings* tls)
    : addresses(url.port),
      setup_(setup),
      origin_(std::move(origin)),
      header_(host_header_of(url)),
      name_(host_name_of(url)),
      tls_(tls) {}

Lease Host::try_take() {
  if (!line_.empty()) {
    return {};
  }
  std::unique_ptr<Connection> connection;
  if (!kept_.empty()) {
    connection = std::move(kept_.back());
    kept_.pop_back();
    connection->set_keeper(nullptr);
    setup_.wheel.disarm(*connection);
    in_use_.push_back(*connection);
  } else if (used_ < setup_.in_flight) {
    kept_.reserve(used_ + 1);  // giving back must not fail
    connection = new_connection();
  } else {
    return {};
  }
  ++used_;
  return Lease(*this, std::move(connection));
}

bool Host::find_usable(Lease& lease) noexcept {
  while (!lease->quiet()) {
    if (kept_.empty()) {
      lease->close();
      return false;
    }
    kept_.back()->set_keeper(nullptr);
    setup_.wheel.disarm(*kept_.back());
    in_use_.push_back(*kept_.back());
    lease.replace(std::move(kept_.back()));
    kept_.pop_back();
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
    connection->close();  // something is under way on it, the peer wants it closed, or it is old
  }
  connection->answer.trim();
  if (Waiter* first = line_.pop()) {
    static_cast<PlaceWaiter*>(first)->lease = Lease(*this, std::move(connection));
    first->wake();
    return;
  }
  --used_;
  connection->in_use.unlink();
  keep(connection, now);
}

std::unique_ptr<Connection> Host::new_connection() {
  auto connection = make_connection(setup_.connection, tls_, name_);
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
    // A second less than the peer says, so that it does not close while a request is on its way.
    time = std::min<SteadyTime::duration>(time, *connection->answer.keep_alive - std::chrono::seconds(1));
  }
  if (!keeping_ || !connection->open() || time <= SteadyTime::duration::zero()) {
    return false;
  }
  connection->set_keeper(this);
  setup_.wheel.arm(*connection, Deadline::at(now + time));
  kept_.push_back(std::move(connection));
  return true;
}

void Host::on_idle_expired(Connection& connection) noexcept {
  std::erase_if(kept_, [&connection](const auto& kept) { return kept.get() == &connection; });
}

void Host::stop_keeping() noexcept {
  keeping_ = false;
  kept_.clear();
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

}  // namespace tern::connector

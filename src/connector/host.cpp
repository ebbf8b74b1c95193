#include "connector/host.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <new>
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

void Lease::fill(std::unique_ptr<Connection> connection) noexcept {
  connection->place = std::move(connection_->place);
  connection_ = std::move(connection);
}

Host::Host(const HostSetup& setup, const ServiceUrl& url, std::string origin, TlsSettings* tls)
    : addresses(url.port),
      setup_(setup),
      origin_(std::move(origin)),
      header_(host_header_of(url)),
      name_(host_name_of(url)),
      tls_(tls) {}

Host::~Host() {
  SocketSeeker::Hook::unlink();
  stop_keeping();
}

Lease Host::try_take() {
  if (!line_.empty()) {
    return {};
  }
  if (!kept_.empty()) {
    ++used_;
    return Lease(*this, take_kept());
  }
  if (used_ >= setup_.in_flight) {
    return {};
  }
  SocketPlace place = setup_.sockets.try_take(!has_answered_);
  return place ? take_new(std::move(place)) : Lease();
}

Lease Host::take_new(SocketPlace place) {
  kept_.reserve(used_ + 1);  // giving back must not fail
  auto connection = new_connection();
  connection->place = std::move(place);
  ++used_;
  return Lease(*this, std::move(connection));
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

void Host::wait(PlaceWaiter& waiter) noexcept {
  line_.push(waiter);
  seek();
}

void Host::seek() noexcept {
  if (!SocketSeeker::Hook::is_linked() && used_ < setup_.in_flight) {
    setup_.sockets.seek(*this, !has_answered_);
  }
}

bool Host::on_socket(SocketPlace& place) noexcept {
  if (line_.empty() || used_ >= setup_.in_flight) {  // who waited has left, or is served by what is given back
    return false;
  }
  try {
    Lease lease = take_new(std::move(place));
    Waiter* first = line_.pop();
    static_cast<PlaceWaiter*>(first)->lease = std::move(lease);
    first->wake();
  } catch (const std::bad_alloc&) {
    return false;  // who waits may still be given what another request gives back
  }
  return !line_.empty() && used_ < setup_.in_flight;
}

void Host::becomes_known() noexcept {
  if (has_answered_) {
    return;
  }
  has_answered_ = true;
  for (Connection& connection : in_use_) {
    connection.place.becomes_known();
  }
  for (const auto& connection : kept_) {
    connection->place.becomes_known();
  }
  if (SocketSeeker::Hook::is_linked()) {
    setup_.sockets.seek(*this, false);
  }
  setup_.sockets.serve();
}

bool Host::find_usable(Lease& lease) noexcept {
  while (!lease->quiet()) {
    if (kept_.empty()) {
      lease->close();
      return false;
    }
    lease.replace(take_kept());
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
  if (!line_.empty() && setup_.sockets.wanted_for_long(*this)) {
    give_up(std::move(connection));
    return;
  }
  if (Waiter* first = line_.pop()) {
    static_cast<PlaceWaiter*>(first)->lease = Lease(*this, std::move(connection));
    first->wake();
    return;
  }
  --used_;
  connection->in_use.unlink();
  keep(connection, now);
}

// However much this host has to do, the others have their turn.
void Host::give_up(std::unique_ptr<Connection> connection) noexcept {
  --used_;
  SocketSeeker::Hook::unlink();  // not the next to be given it
  connection.reset();
  seek();
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
  const auto ended = std::move(*found);  // goes when this host is as it should be: its place goes to others
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

}  // namespace tern::connector

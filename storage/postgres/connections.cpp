#include "connections.hpp"

#include "back_off.hpp"

#include <tern/async/log.hpp>

#include <algorithm>
#include <utility>

namespace tern::detail::pg {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds longest_pause{500};
constexpr milliseconds try_idle_after{1000};
constexpr milliseconds idle_patience{2000};

SteadyTime now() noexcept {
  return std::chrono::steady_clock::now();
}

}  // namespace

std::string Health::obstacle() const {
  const std::lock_guard lock(mutex_);
  return why_;
}

void Health::set_obstacle(std::string why) {
  const std::lock_guard lock(mutex_);
  why_ = std::move(why);
  healthy_.store(why_.empty(), std::memory_order_release);
}

Connections::Loan::Loan(Connections& connections, std::size_t index)
    : connections_(connections), index_(index), in_use_(connections.links_[index]->in_use) {}

Session* Connections::Loan::session() const noexcept {
  return connections_.links_[index_]->session.get();
}

Connections::Loan::~Loan() {
  auto& link = *connections_.links_[index_];
  link.last_used = now();
  if (link.session && link.session->is_lost()) {
    connections_.lost(link, link.session->why_lost());
  }
}

Connections::Connections(const ConnectionString& target, const PostgresOptions& options, Counters& counters,
                         std::shared_ptr<Health> health)
    : target_(target), options_(options), counters_(counters), health_(std::move(health)) {
  for (int i = 0; i < options.read_lanes + options.write_lanes + schedule_links; ++i) {
    links_.push_back(std::make_unique<Link>());
  }
}

Connections::~Connections() {
  close();
}

void Connections::open(SteadyTime by) {
  BackOff back_off(longest_pause);
  bool waits = false;
  for (;;) {
    try {
      open_once(by);
      break;
    } catch (const Failure& failure) {
      const auto pause = back_off.next();
      const bool passes = failure.is_lost() || failure.kind() == FailureKind::timed_out ||
                          failure.kind() == FailureKind::full || failure.kind() == FailureKind::race;
      if (!passes || is_permanent_at_door(failure.what())) {
        throw_error(errc::invalid_argument,
                    "The Postgres storage cannot be opened: " + std::string(failure.what()) + " Check storage.url.");
      }
      if (!std::exchange(waits, true)) {
        log::warn("waiting for the server of the storage", {{"why", failure.what()}});
      }
      if (now() + pause >= by || !wait(now() + pause)) {
        throw_error(errc::storage_unavailable,
                    "The Postgres storage could not be reached: " + std::string(failure.what()));
      }
    }
  }
  health_->set_obstacle("");
  thread_ = std::thread([this] { keep(); });
}

void Connections::open_once(SteadyTime by) {
  for (auto& link : links_) {
    const std::lock_guard in_use(link->in_use);
    if (!link->session) {
      auto session = std::make_unique<Session>(target_, options_, watchdog_);
      if (link == links_.front()) {
        prepare_schema(*session, options_, by);
      }
      link->session = std::move(session);
      link->last_used = now();
      link->up.store(true, std::memory_order_release);
      ++counters_.connections_made;
    }
  }
}

bool Connections::wait(SteadyTime until) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, until, [this] { return stopped_ || lost_one_; });
  lost_one_ = false;
  return !stopped_;
}

void Connections::lost(Link& link, std::string why) {
  link.up.store(false, std::memory_order_release);
  link.session.reset();
  ++counters_.connections_lost;
  health_->set_obstacle(why);
  log::warn("storage connection lost", {{"storage", "postgres"}, {"why", why}});
  {
    const std::lock_guard lock(mutex_);
    lost_one_ = true;
  }
  changed_.notify_one();
}

void Connections::keep() {
  BackOff back_off(longest_pause);
  auto away_since = SteadyTime::max();
  auto until = now() + try_idle_after;
  while (wait(until)) {
    for (auto& link : links_) {
      try_idle(*link);
    }
    const bool was_up = health_->healthy();
    if (!was_up && away_since == SteadyTime::max()) {
      away_since = now();
    }
    if (connect_all()) {
      if (!was_up) {
        const auto away = std::chrono::duration_cast<milliseconds>(now() - away_since).count();
        log::info("storage is back", {{"storage", "postgres"}, {"away_ms", away}});
        away_since = SteadyTime::max();
      }
      back_off = BackOff(longest_pause);
      until = now() + try_idle_after;
    } else {
      until = now() + back_off.next();
    }
  }
}

bool Connections::connect_all() {
  for (auto& link : links_) {
    if (!link->up.load(std::memory_order_acquire) && !connect(*link)) {
      return false;
    }
  }
  if (!health_->healthy()) {
    health_->set_obstacle("");
    // A connection may have been lost again since it was looked at.
    for (auto& link : links_) {
      if (!link->up.load(std::memory_order_acquire)) {
        health_->set_obstacle("a connection was lost");
        return false;
      }
    }
  }
  return true;
}

bool Connections::connect(Link& link) {
  try {
    auto session = std::make_unique<Session>(target_, options_, watchdog_);
    const std::lock_guard in_use(link.in_use);
    link.session = std::move(session);
    link.last_used = now();
    link.up.store(true, std::memory_order_release);
    ++counters_.connections_made;
    return true;
  } catch (const Failure& failure) {
    health_->set_obstacle(failure.what());
    log::debug("storage is still away", {{"storage", "postgres"}, {"why", failure.what()}});
    return false;
  }
}

void Connections::try_idle(Link& link) {
  const std::unique_lock in_use(link.in_use, std::try_to_lock);
  if (!in_use.owns_lock() || !link.session) {
    return;
  }
  if (link.session->is_stale()) {
    lost(link, target_.server() + ": the server closed the connection.");
    return;
  }
  if (now() - link.last_used < try_idle_after) {
    return;
  }
  try {
    link.session->run("SELECT 1", now() + idle_patience);
    link.last_used = now();
  } catch (const Failure& failure) {
    lost(link, failure.what());
  }
}

void Connections::limit(SteadyTime by) {
  watchdog_.limit(by);
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_one();
}

void Connections::close() {
  limit(now());
  if (thread_.joinable()) {
    thread_.join();
  }
  for (auto& link : links_) {
    const std::lock_guard in_use(link->in_use);
    link->up.store(false, std::memory_order_release);
    link->session.reset();
  }
  health_->set_obstacle("closed");
}

}  // namespace tern::detail::pg

#include "direct_line/client_places.hpp"

#include <algorithm>
#include <utility>

namespace tern::direct_line {

struct ClientPlaces::Waiter {
  Waiter(Clock& clock, executor ex) : turn(std::make_shared<auth::WaitPlace>(clock, std::move(ex))) {}
  std::shared_ptr<auth::WaitPlace> turn;
  bool has_place = false;  // it was given the place of another one; under the mutex
};

/// A waiter in the line of its client, for as long as this lives. A place that nobody has claimed then is given back.
class ClientPlaces::Waiting {
 public:
  Waiting(ClientPlaces& all, Client& client, std::shared_ptr<Waiter> waiter) noexcept
      : all_(all), client_(client), waiter_(std::move(waiter)) {}
  ~Waiting() {
    std::unique_lock lock(all_.mutex_);
    if (claimed_) {
      return;
    }
    if (waiter_->has_place) {
      lock.unlock();
      all_.give_back(client_);
      return;
    }
    std::erase(client_.line, waiter_);
    all_.forget_if_idle(client_);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  /// The place, if the waiter was given one.
  std::shared_ptr<void> claim() {
    {
      const std::lock_guard lock(all_.mutex_);
      claimed_ = waiter_->has_place;
    }
    return claimed_ ? all_.place_of(client_) : nullptr;
  }

 private:
  ClientPlaces& all_;
  Client& client_;
  std::shared_ptr<Waiter> waiter_;
  bool claimed_ = false;
};

// Under the mutex, as the functions up to `take`.
ClientPlaces::Client& ClientPlaces::client_of(std::string_view name) {
  if (const auto found = clients_.find(name); found != clients_.end()) {
    return found->second;
  }
  const auto made = clients_.emplace(std::string(name), Client()).first;
  made->second.name = made->first;
  return made->second;
}

void ClientPlaces::forget_if_idle(const Client& client) noexcept {
  if (client.taken == 0 && client.line.empty()) {
    clients_.erase(clients_.find(client.name));
  }
}

std::shared_ptr<void> ClientPlaces::place_of(Client& client) {
  return {&client, [this](void* of) { give_back(*static_cast<Client*>(of)); }};
}

ClientPlaces::Taken ClientPlaces::take_for(Client& client) {
  if (has_share(client)) {
    return {nullptr, Lack::of_client};
  }
  if (all_ > 0 && taken_ >= all_) {
    forget_if_idle(client);
    return {nullptr, Lack::of_all};
  }
  ++client.taken;
  ++taken_;
  return {nullptr, Lack::nothing};
}

ClientPlaces::Taken ClientPlaces::take(std::string_view name) {
  std::unique_lock lock(mutex_);
  auto& client = client_of(name);
  auto taken = take_for(client);
  lock.unlock();
  if (taken.lack == Lack::nothing) {
    taken.place = place_of(client);
  }
  return taken;
}

// Whoever waits longest gets the place.
void ClientPlaces::give_back(Client& client) noexcept {
  std::shared_ptr<Waiter> next;
  {
    const std::lock_guard lock(mutex_);
    if (!client.line.empty()) {
      next = std::move(client.line.front());
      client.line.pop_front();
      next->has_place = true;
    } else {
      --client.taken;
      --taken_;
      forget_if_idle(client);
    }
  }
  if (next) {
    next->turn->wake();
  }
}

awaitable<ClientPlaces::Taken> ClientPlaces::wait(std::string name, Deadline by) {
  auto now = take(name);
  if (now.lack != Lack::of_client) {
    co_return now;
  }
  const auto ex = co_await this_coro::executor;
  auto waiter = std::make_shared<Waiter>(clock_, ex);
  std::unique_lock lock(mutex_);
  auto& client = client_of(name);
  if (!has_share(client)) {  // meanwhile a place came back
    now = take_for(client);
    lock.unlock();
    now.place = now.lack == Lack::nothing ? place_of(client) : nullptr;
    co_return now;
  }
  client.line.push_back(waiter);
  lock.unlock();
  Waiting waiting(*this, client, waiter);
  (void)co_await waiter->turn->wait(by);
  now.place = waiting.claim();
  now.lack = now.place ? Lack::nothing : Lack::of_client;
  co_return now;
}

std::size_t ClientPlaces::taken() const {
  const std::lock_guard lock(mutex_);
  return taken_;
}

std::size_t ClientPlaces::clients() const {
  const std::lock_guard lock(mutex_);
  return clients_.size();
}

}  // namespace tern::direct_line

#pragma once

#include "async/keyed_hash.hpp"
#include "auth/wait_place.hpp"

#include <tern/async/awaitable.hpp>
#include <tern/async/clock.hpp>
#include <tern/async/deadline.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tern::direct_line {

/// Places for what clients use at once: so many for all of them, and a share of them for each client.
///
/// Lifetime: the clock outlives it, and it outlives the places.
/// Thread safety: all functions from any thread.
class ClientPlaces {
 public:
  /// `all`: places of all clients; 0 for no limit. `each`: those of one client; 0 for no limit.
  ClientPlaces(std::size_t all, std::size_t each, Clock& clock) : all_(all), each_(each), clock_(clock) {}

  /// Why there is no place.
  enum class Lack : std::uint8_t {
    nothing,    ///< there is one
    of_client,  ///< the client has its share
    of_all      ///< all places are taken
  };
  /// What became of a wish for a place.
  struct Taken {
    std::shared_ptr<void> place;  ///< is given back when the last copy is destroyed; nullptr when there is none
    Lack lack = Lack::nothing;
  };
  /// A place, if there is one now. `client`: as `http::client_group` returns it.
  Taken take(std::string_view client);
  /// The same, but a client that has its share waits in line until it has given a place back, or until `by`.
  /// Cancellation: terminal cancellation throws `operation_aborted`.
  awaitable<Taken> wait(std::string client, Deadline by);

  /// The places that are taken.
  std::size_t taken() const;
  /// The clients that have places or wait.
  std::size_t clients() const;

 private:
  struct Waiter;
  class Waiting;
  struct Client {
    std::string_view name;  // its key
    std::size_t taken = 0;
    std::deque<std::shared_ptr<Waiter>> line;
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const noexcept { return a == b; }
  };

  Client& client_of(std::string_view name);
  bool has_share(const Client& client) const noexcept { return each_ > 0 && client.taken >= each_; }
  Taken take_for(Client& client);
  std::shared_ptr<void> place_of(Client& client);
  void give_back(Client& client) noexcept;
  void forget_if_idle(const Client& client) noexcept;

  const std::size_t all_;
  const std::size_t each_;
  Clock& clock_;
  mutable std::mutex mutex_;  // guards all below
  std::size_t taken_ = 0;
  std::unordered_map<std::string, Client, tern::detail::KeyedHash, Equal> clients_;
};

}  // namespace tern::direct_line

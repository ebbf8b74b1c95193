#pragma once

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace tern::app {

/// Counts the requests that each client address has under way, so that one of them cannot take all places.
///
/// Thread safety: any thread. Without a limit it does nothing.
class ClientGate {
 public:
  /// What a client without a place is told, with 429 and Retry-After.
  static constexpr std::string_view refusal =
      "Too many requests of this client are under way (limits.client_requests).";

  /// `limit`: the most requests at once from one address; 0: no limit.
  explicit ClientGate(std::size_t limit) : limit_(limit) {}

  /// One request's place; gives it back when it is destroyed. False when there was none, or it has been moved away.
  /// Lifetime: the gate outlives it.
  class Place {
   public:
    Place(ClientGate& gate, std::string_view client);
    ~Place();
    Place(Place&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)), client_(std::move(other.client_)) {}
    Place& operator=(Place&&) = delete;
    explicit operator bool() const noexcept { return gate_ != nullptr; }

   private:
    ClientGate* gate_;  // nullptr without a place
    std::string client_;
  };

 private:
  bool enter(const std::string& client);
  void leave(const std::string& client) noexcept;

  std::size_t limit_;
  std::mutex mutex_;
  boost::unordered_flat_map<std::string, std::size_t> under_way_;
};

}  // namespace tern::app

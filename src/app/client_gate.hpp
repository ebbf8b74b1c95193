#pragma once

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace tern::app {

/// Bounds the requests that each client address may have under way; of IPv6 the first 64 bits count. Without a limit it
/// does nothing.
///
/// Thread safety: all functions from any thread.
class ClientGate {
 public:
  /// The message for a client that is refused, with 429 and Retry-After.
  static constexpr std::string_view refusal =
      "Too many requests of this client are under way (limits.client_requests).";

  /// `limit`: the most requests at once from one address; 0: no limit.
  explicit ClientGate(std::size_t limit) : limit_(limit) {}
  bool limited() const noexcept { return limit_ > 0; }

  /// The right of one request to be under way. Its destructor gives it back. False when the client has reached its
  /// limit, or when it was moved from. Lifetime: the gate outlives it.
  class Place {
   public:
    Place(ClientGate& gate, std::string_view client);
    ~Place();
    Place(Place&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)), client_(std::move(other.client_)) {}
    Place& operator=(Place&&) = delete;
    explicit operator bool() const noexcept { return gate_ != nullptr; }

   private:
    ClientGate* gate_;  // nullptr when it is false
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

#pragma once

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

namespace tern::app {

/// Counts the requests that each client address has under way, so that one of them cannot take all places.
///
/// Thread safety: any thread. Without a limit it does nothing.
class ClientGate {
 public:
  /// `limit`: the most requests at once from one address; 0: no limit.
  explicit ClientGate(std::size_t limit) : limit_(limit) {}

  /// One request's place; gives it back when it is destroyed. False when there was none.
  class Place {
   public:
    Place(ClientGate& gate, std::string_view client);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    explicit operator bool() const noexcept { return granted_; }

   private:
    ClientGate& gate_;
    std::string client_;
    bool granted_;
  };

 private:
  bool enter(const std::string& client);
  void leave(const std::string& client) noexcept;

  std::size_t limit_;
  std::mutex mutex_;
  boost::unordered_flat_map<std::string, std::size_t> under_way_;
};

}  // namespace tern::app

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace bench {

/// An authority of the benchmark's own: an issuer of channels whose OpenID document and keys are on 127.0.0.1, on a
/// thread of its own, and the tokens that it signs.
class Authority {
 public:
  Authority();
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  /// The configuration of a bot that believes its tokens, as `key=value`.
  std::vector<std::string> settings() const;

  /// A good token of a day for the channel at this service.
  static std::string token(std::string_view service_url);

  /// The ways in which a token is bad. Each is found out by another check.
  enum class Fault : std::uint8_t { forged, unknown_key, expired, other_audience };
  static constexpr std::size_t faults = 4;
  /// A bad token. Tokens with other numbers are other tokens. It costs no signature.
  static std::string bad_token(Fault fault, std::string_view service_url, std::size_t number);

 private:
  struct Server;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

}  // namespace bench

#pragma once

#include "net/host.hpp"
#include "net/url.hpp"

#include <boost/asio/ip/address.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::net {

/// A proxy that the environment names.
struct Proxy {
  std::string origin;  ///< `http://host:port`, without a password
  std::string name;    ///< the host
  std::uint16_t port = 0;
  std::string authorization;  ///< the value of Proxy-Authorization; "" without one
};

/// Makes the way to an https host lead through a tunnel of the proxy. `user_agent` is what the proxy is told.
/// Preconditions: `spec` is that of the host itself.
void lead_through(const Proxy& proxy, std::string_view user_agent, HostSpec& spec);

/// The proxies of the environment, and the hosts that are reached without one. `HttpClient` describes the rules.
/// Thread safety: the const functions from any thread.
class Proxies {
 public:
  /// Looks up a variable of the environment; nullptr when it is not set.
  using Variables = std::function<const char*(const char* name)>;

  /// No proxy.
  Proxies() = default;
  /// Errors: `errc::invalid_argument` for an unusable URL of a proxy. The message names the variable and not the URL.
  explicit Proxies(const Variables& variables);
  /// Those of this process's environment. Errors: as above.
  static Proxies of_environment();

  /// The proxy for a request; nullptr when it goes straight to its host.
  const Proxy* for_request_to(const Origin& url) const;

 private:
  /// An entry of `no_proxy`.
  struct Exception {
    std::string name;                                 ///< with the names below it; "" for an address
    std::optional<boost::asio::ip::address> address;  ///< the first address of the range
    unsigned bits = 0;                                ///< how many bits of the address count
    std::uint16_t port = 0;                           ///< 0 for all
  };
  static std::optional<Exception> parse_exception(std::string_view text);
  void read_exceptions(std::string_view list);
  static bool covers(const Exception& exception, std::string_view name, std::uint16_t port,
                     const std::optional<boost::asio::ip::address>& address) noexcept;
  bool is_excepted(const Origin& url) const;

  std::optional<Proxy> for_https_;
  std::optional<Proxy> for_http_;
  std::vector<Exception> exceptions_;
  bool none_ = false;  // `*`
};

}  // namespace tern::net

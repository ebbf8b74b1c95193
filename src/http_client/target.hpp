#pragma once

#include "net/url.hpp"

#include <boost/system/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tern::http_client {

/// Where a request goes.
struct Target {
  bool tls = false;
  bool ipv6 = false;  ///< the host is an IPv6 address
  std::uint16_t port = 0;
  std::string name;    ///< the host in lower case, an IPv6 address without its brackets
  std::string origin;  ///< `http://host:port` in lower case
  std::string header;  ///< the Host header
  std::string path;    ///< the path with the query, as the request line has it; at least "/"

  /// Lifetime: a view of this target.
  net::Origin url() const noexcept { return {tls, ipv6, port, name}; }
};

/// The reason why a text is no usable URL, as the end of a sentence.
struct TargetError {
  const char* why;
};

/// Parses an absolute URL strictly: without a user name, and with the characters of a URL only. `[` and `]` may stand
/// in a query, because many programs write them there. A fragment is left out.
boost::system::result<Target, TargetError> parse_target(std::string_view url);

/// Where a Location that came from `from` leads; nullopt when it is malformed.
std::optional<Target> target_of_redirect(const Target& from, std::string_view location);

}  // namespace tern::http_client

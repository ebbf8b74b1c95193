#pragma once

#include <tern/error.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace tern::connector {

/// A `serviceUrl` taken apart. The views refer to the text it was parsed from.
struct ServiceUrl {
  bool tls = false;
  bool ipv6 = false;       ///< the host stood in brackets; `host` is without them
  std::uint16_t port = 0;  ///< the scheme's own when the text names none
  std::string_view host;   ///< in the letters of the text
  std::string_view path;   ///< "" or from the first "/" on, without slashes at the end
};

/// Why a text is no usable serviceUrl, as the end of a sentence.
struct ServiceUrlError {
  const char* why;
};

/// Takes `text` apart strictly: what two readers of a URL could understand differently is refused, because one of
/// them is the check that keeps requests on this machine. Refused: anything but http and https, user names, queries
/// and fragments, and every character outside RFC 3986 (so no header can be smuggled in).
boost::system::result<ServiceUrl, ServiceUrlError> parse_service_url(std::string_view text);

/// True for `localhost`, 127.0.0.0/8 in its four-part form, and `[::1]`. Other spellings of loopback are not: a
/// resolver may take them elsewhere.
bool is_loopback(const ServiceUrl& url) noexcept;

/// `http://host:port` in lower case with the port spelled out: one text for one place. Replaces `into`.
void origin_of(const ServiceUrl& url, std::string& into);

/// The host in lower case, as it is looked up and compared with a certificate.
std::string host_name_of(const ServiceUrl& url);

/// The value of the Host header: without the port when it is the scheme's own.
std::string host_header_of(const ServiceUrl& url);

}  // namespace tern::connector

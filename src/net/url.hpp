#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tern::net {

/// Scheme, host and port of a URL. Lifetime: a view into the text.
struct Origin {
  bool tls = false;
  bool ipv6 = false;       ///< the host is an address in brackets; `host` is without the brackets
  std::uint16_t port = 0;  ///< the default of the scheme when the text has none
  std::string_view host;   ///< in the case of the text
};

/// Parses the beginning of `text` strictly, and sets `rest` to the text from the path on. nullptr when it is
/// well-formed, otherwise the end of a sentence that says what is wrong.
///
/// A URL that two readers could understand in different ways is refused. Refused are schemes other than http and https,
/// user names, and every character that no host may have, so that the text cannot add a header.
const char* parse_origin(std::string_view text, Origin& into, std::string_view& rest);

/// How many bytes at the beginning of `text` may stand in a path (RFC 3986 `pchar`, "/" and "%").
std::size_t path_length(std::string_view text) noexcept;

/// True for `localhost`, 127.0.0.0/8 in its four-part form, and `[::1]`. False for other spellings of loopback, which a
/// resolver may understand in another way.
bool is_loopback(const Origin& url) noexcept;

/// Writes `http://host:port` into `into`, in lower case and always with the port, so that equal hosts have equal texts.
void origin_of(const Origin& url, std::string& into);

/// The host in lower case, as the resolver and the check of certificates need it.
std::string host_name_of(const Origin& url);

/// The value of the Host header; it has no port when that is the default of the scheme.
std::string host_header_of(const Origin& url);

}  // namespace tern::net

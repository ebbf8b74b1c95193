#pragma once

#include <string>
#include <string_view>

namespace tern::http {

/// What the limits of one client count by: its address, and for IPv6 the network of the first 64 bits, such as
/// `2001:db8:0:1::/64`, because whoever has one address of such a network has all of them.
/// `peer`: as `HttpRequest::peer`; another text is returned as it is.
std::string client_group(std::string_view peer);

}  // namespace tern::http

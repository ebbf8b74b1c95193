#pragma once

#include "connector/service_url.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tern::connector {

/// The target of a redirect.
struct Redirect {
  std::string origin;  ///< as `origin_of` writes it
  std::string target;  ///< the path, and the query if there is one
};

/// Reads the Location of a 307 or 308 that came from `origin`. nullopt when it leads to another host or port, or from
/// https to http, or when two readers could understand it in different ways: the request and its token must not go to
/// another host. It may lead from http to https of the same host, each at its default port.
std::optional<Redirect> redirect_of(std::string_view origin, std::string_view location);

/// The part of a Location that may be logged when it is not followed: its host and port, if it has a well-formed host.
/// The path and the query are left out, because they may repeat parts of the message.
std::string_view host_in_location(std::string_view location) noexcept;

}  // namespace tern::connector

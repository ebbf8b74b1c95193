#pragma once

#include "connector/service_url.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tern::connector {

/// Where a redirect leads.
struct Redirect {
  std::string origin;  ///< as `origin_of` writes it
  std::string target;  ///< the path, and the query where there is one
};

/// Reads the Location of a 307 or 308 that came from `origin`. nullopt when it leads to another host or port, from
/// https to http, or is anything that two readers could understand differently: the request, and the token with it,
/// goes nowhere but where it was meant to go. From http to https of the same name it may lead, each at its own port.
std::optional<Redirect> redirect_of(std::string_view origin, std::string_view location);

}  // namespace tern::connector

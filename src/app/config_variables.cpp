#include "app/config_variables.hpp"

#include "app/key_table.hpp"

#include <algorithm>
#include <array>

namespace tern::app {

namespace {

constexpr std::array<std::string_view, 3> protocols{"TCP", "UDP", "SCTP"};

// Such as `tcp://10.0.0.1:80`.
bool is_address_of_service(std::string_view value) {
  return value.starts_with("tcp://") || value.starts_with("udp://") || value.starts_with("sctp://");
}

// The text behind `_PORT_`: `3978_TCP`, or that with `_PROTO`, `_PORT` or `_ADDR` behind it.
bool is_port_of_service(std::string_view rest) {
  const auto digits = rest.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos || rest[digits] != '_') {
    return false;
  }
  rest.remove_prefix(digits + 1);
  return std::any_of(protocols.begin(), protocols.end(), [rest](std::string_view protocol) {
    const auto part = rest.starts_with(protocol) ? rest.substr(protocol.size()) : "no";
    return part.empty() || part == "_PROTO" || part == "_PORT" || part == "_ADDR";
  });
}

// Kubernetes sets such variables in every pod of a Service's namespace. Source: documentation of Kubernetes,
// "Discovering services".
bool is_of_a_service(std::string_view name, std::string_view value) {
  if (name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT") ||
      name.find("_SERVICE_PORT_") != std::string_view::npos) {
    return true;
  }
  if (name.ends_with("_PORT") && is_address_of_service(value)) {
    return true;
  }
  constexpr std::string_view port = "_PORT_";
  for (auto at = name.find(port); at != std::string_view::npos; at = name.find(port, at + 1)) {
    if (is_port_of_service(name.substr(at + port.size()))) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool may_be_key(std::string_view name, std::string_view value) {
  const bool other = name.starts_with("TERN_TEST_") || name.starts_with("TERN_BUILD_") ||
                     name.starts_with("TERN_WITH_") || name.starts_with("TERN_DEV_");
  return name.starts_with(variable_prefix) && !other && !is_of_a_service(name, value);
}

std::string unknown_variable(const KeyTable& keys, const std::string& name) {
  const auto* near = keys.nearest_variable(name);
  return "The variable " + name + " of the environment is not a key of the configuration and is ignored." +
         (near != nullptr ? " Did you mean " + near->variable() + "?" : " --help lists all keys.");
}

}  // namespace tern::app

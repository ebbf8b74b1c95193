#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::http {

/// The host of `host` or `host:port`, in brackets when it is an IPv6 address; nullopt when that is no such thing.
///
/// Stricter than RFC 3986: a name has letters, digits, dots, hyphens and underscores, an address no zone. What else the
/// grammar allows, such as commas, is what two readers understand differently.
std::optional<std::string_view> host_of(std::string_view authority);

/// True for `localhost`, the names below it, 127.0.0.0/8 in its four-part form, and `[::1]`; any case, and a dot at the
/// end makes no difference.
bool is_loopback_host(std::string_view host);

/// Names of hosts, separated by commas; `*.name` is every name below `name`. nullopt when one of them is no name.
std::optional<std::vector<std::string>> parse_host_list(std::string_view text);

/// Which hosts a server answers for. A page in a browser reaches a server of the same machine by a name of its own that
/// is made to lead there; the Host header is what tells it.
///
/// Thread safety: none; each shard has its own.
class ServedHosts {
 public:
  enum class Verdict { served, malformed, other };

  /// Every host.
  ServedHosts() = default;
  /// Hosts of loopback and `names`, which are as `parse_host_list` gives them.
  static ServedHosts loopback_and(std::vector<std::string> names);
  /// The same and every IP address: what leads to a server by its address was made to lead there by nobody.
  static ServedHosts addresses_and(std::vector<std::string> names);

  /// `authority`: the value of Host, or what stands in its place in the target.
  Verdict judge(std::string_view authority);

 private:
  bool serves(std::string_view host) const;

  bool every_ = true;
  bool addresses_ = false;
  std::vector<std::string> names_;
  std::string last_;  // that was served: most requests name the same one
};

}  // namespace tern::http

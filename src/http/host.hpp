#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::http {

/// The host in `host` or `host:port`, with brackets if it is an IPv6 address; nullopt when the text is malformed.
///
/// This is stricter than RFC 3986: a name may have letters, digits, dots, hyphens and underscores, and an address may
/// have no zone. Two readers may understand other characters that the grammar allows, such as commas, in different
/// ways.
std::optional<std::string_view> host_of(std::string_view authority);

/// True for `localhost`, the names below it, 127.0.0.0/8 in its four-part form, and `[::1]`. Case and a dot at the end
/// do not matter.
bool is_loopback_host(std::string_view host);

/// Reads names of hosts that are separated by commas; `*.name` stands for every name below `name`. nullopt when one of
/// them is not a name.
std::optional<std::vector<std::string>> parse_host_list(std::string_view text);

/// The hosts that a server answers for. This is a protection from DNS rebinding: a web page can let its own name lead
/// to a server on the user's machine, and the Host header then has that name.
///
/// Thread safety: none; each shard has its own.
class ServedHosts {
 public:
  enum class Verdict { served, malformed, other };

  /// Serves every host.
  ServedHosts() = default;
  /// Serves the loopback hosts and `names`, which `parse_host_list` has read.
  static ServedHosts loopback_and(std::vector<std::string> names);
  /// The same and every IP address: DNS rebinding needs a name, and an address is none.
  static ServedHosts addresses_and(std::vector<std::string> names);

  /// `authority`: the value of Host, or the authority in the target.
  Verdict judge(std::string_view authority);

 private:
  bool serves(std::string_view host) const;

  bool every_ = true;
  bool addresses_ = false;
  std::vector<std::string> names_;
  std::string last_;  // the host that was served last: most requests name the same host
};

}  // namespace tern::http

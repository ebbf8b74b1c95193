#pragma once

#include "net/url.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::net {

/// The hosts that a bot with an identity of its own may send to, and the addresses that those hosts may have.
///
/// A host is judged twice. Its name counts when a request begins, and its address counts at each connection, because
/// whoever owns a name may let it lead anywhere, and elsewhere the next time (DNS rebinding).
///
/// Thread safety: the const functions from any thread.
class AllowedHosts {
 public:
  /// Allows no host.
  AllowedHosts() = default;

  /// Reads entries that are separated by commas. Each is a name, `*.name` for every name below it, or an IP address; an
  /// IPv6 address stands in brackets. A port may follow, and allows that port alone. `http://` before the entry allows
  /// http as well as https; `https://` may stand there and means the same as nothing. nullopt when an entry is
  /// malformed, or a name that some readers take for an address, such as "127.1".
  static std::optional<AllowedHosts> parse(std::string_view list);

  /// Adds a host or `*.name` that is served over https, and at addresses of the internet alone.
  /// Preconditions: it is well-formed.
  void add_public(std::string_view host);

  /// Whether requests may go to a host.
  enum class Verdict : std::uint8_t {
    allowed,
    https_only,  ///< not over http; over https they may
    unknown      ///< no entry names the host and its port
  };
  Verdict judge(const Origin& url) const noexcept;

  /// Whether a request may go there.
  bool allows(const Origin& url) const noexcept { return judge(url) == Verdict::allowed; }
  /// Whether a request there may carry a token of the bot: over https only, where the certificate shows who reads it.
  bool allows_token(const Origin& url) const noexcept { return url.tls && allows(url); }

  /// Whether a connection to `where` may be made for the host `name`, which is in lower case and without brackets.
  ///
  /// An address of the internet may be used. So may an address that an entry names. An address of this machine or of a
  /// private network may be used for a host that an entry names in full: whoever wrote that entry knows the host, while
  /// a host that only a pattern covers may be anybody's. Any other address may not be used.
  bool may_connect(std::string_view name, const boost::asio::ip::tcp::endpoint& where) const noexcept;

 private:
  struct Entry {
    std::string name;  // in lower case; without "*."
    std::optional<boost::asio::ip::address> address;
    std::uint16_t port = 0;  // 0: any
    bool below = false;      // the names below `name`, and not `name` itself
    bool plain = false;      // over http, too
    bool anywhere = true;    // its addresses may be private
  };

  static std::optional<Entry> parse_one(std::string_view text);
  static bool names(const Entry& entry, std::string_view host, std::uint16_t port) noexcept;

  std::vector<Entry> entries_;
};

}  // namespace tern::net

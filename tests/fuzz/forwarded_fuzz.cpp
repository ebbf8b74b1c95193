// Whatever stands in the headers of proxies: reading ends, and nobody but a trusted proxy makes an address be believed.

#include "fuzz/require.hpp"
#include "http/forwarded.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace {

using tern::fuzz::require;
using namespace tern::http;

const TrustedProxies& proxies() {
  static const auto made = TrustedProxies::parse("10.0.0.0/8,2001:db8::/32,unix").value();
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Hop proxy = boost::asio::ip::make_address("10.0.0.1");
  const Hop stranger = boost::asio::ip::make_address("203.0.113.1");
  require(client_of(stranger, {text, text}, proxies()) == stranger, "a stranger is not believed");
  const Hop by_one = client_of(proxy, {{}, text}, proxies());
  require(by_one.has_value(), "a client of a proxy has an address");
  // What a client has put in front of what the proxy adds does not matter.
  require(client_of(proxy, {{}, std::string(text) + ", 192.0.2.1"}, proxies()) ==
              Hop(boost::asio::ip::make_address("192.0.2.1")),
          "the entry of the proxy counts");
  const Hop by_other = client_of(proxy, {std::string(text) + ", for=192.0.2.1", {}}, proxies());
  require(by_other == proxy || by_other == Hop(boost::asio::ip::make_address("192.0.2.1")),
          "the element of the proxy counts, or nothing does");
  const auto nodes = parse_forwarded(text);
  require(!nodes || nodes->size() <= size, "an element takes a byte or more");
  const auto list = TrustedProxies::parse(text);
  require(!list || !list->empty() || text.empty(), "a list that is good trusts somebody");
  const auto node = parse_forwarded_node(text);
  require(!node || !*node || !(*node)->is_v6() || !(*node)->to_v6().is_v4_mapped(), "an IPv4 address is one");
  return 0;
}

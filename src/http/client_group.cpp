#include "http/client_group.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include <boost/system/error_code.hpp>

namespace tern::http {

std::string client_group(std::string_view peer) {
  if (peer.find(':') == std::string_view::npos) {
    return std::string(peer);
  }
  boost::system::error_code ec;
  const auto address = boost::asio::ip::make_address_v6(peer, ec);
  if (ec || address.is_loopback()) {
    return std::string(peer);
  }
  constexpr unsigned short network_bits = 64;
  return boost::asio::ip::network_v6(boost::asio::ip::address_v6(address.to_bytes()), network_bits)
      .canonical()
      .to_string();
}

}  // namespace tern::http

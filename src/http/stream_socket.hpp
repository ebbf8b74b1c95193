#pragma once

#include "http/trusted_proxies.hpp"

#include <boost/asio/generic/stream_protocol.hpp>

namespace tern::http {

/// TCP, or a Unix socket.
using StreamProtocol = asio::generic::stream_protocol;
using StreamSocket = StreamProtocol::socket;

/// Where a connection comes from.
Hop hop_of(const StreamProtocol::endpoint& peer) noexcept;

}  // namespace tern::http

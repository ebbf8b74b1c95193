#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <exception>
#include <iostream>
#include <string>
#include <utility>

namespace bare {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

inline constexpr auto tuple = asio::as_tuple(asio::deferred);

inline void report(std::exception_ptr error) {
  if (!error) {
    return;
  }
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
  }
}

template <class Serve>
asio::awaitable<void> accept_all(tcp::acceptor& acceptor, const Serve& serve) {
  for (;;) {
    auto socket = co_await acceptor.async_accept(asio::deferred);
    socket.set_option(tcp::no_delay(true));
    asio::co_spawn(acceptor.get_executor(), serve(std::move(socket)), report);
  }
}

/// The main function of a server: listens on 127.0.0.1 at the port that the command line names, and gives each
/// connection to `serve(socket)`, a coroutine, on one thread. SIGTERM ends it as it ends any program.
template <class Serve>
int serve_on_port(int argc, char** argv, const Serve& serve) {
  if (argc != 2) {
    std::cerr << "usage: " << argv[0] << " PORT\n";
    return 2;
  }
  try {
    const auto port = static_cast<std::uint16_t>(std::stoul(argv[1]));
    asio::io_context io{1};
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), port});
    asio::co_spawn(io, accept_all(acceptor, serve), report);
    io.run();
  } catch (const std::exception& e) {
    std::cerr << argv[0] << ": " << e.what() << '\n';
  }
  return 1;
}

}  // namespace bare

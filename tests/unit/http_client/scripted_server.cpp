#include "scripted_server.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <thread>
#include <utility>

namespace tern::http_client::test {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

template <class Stream>
class PeerOver final : public ScriptedPeer {
 public:
  PeerOver(Stream& stream, tcp::socket& socket) : stream_(stream), socket_(socket) {}

  void read_head() override {
    const auto size = asio::read_until(stream_, asio::dynamic_buffer(read_), "\r\n\r\n", failed_);
    read_.erase(0, size);
  }
  void write(std::string_view bytes) override { asio::write(stream_, asio::buffer(bytes), failed_); }
  void write_below(std::string_view bytes) override { asio::write(socket_, asio::buffer(bytes), failed_); }
  void keep_back(bool yes) override {
    const int value = yes ? 1 : 0;
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_CORK, &value, sizeof value);
  }
  void wait_for_end() override {
    std::array<char, 4096> bytes{};
    boost::system::error_code ended;
    while (!ended) {
      socket_.read_some(asio::buffer(bytes), ended);
    }
  }

 private:
  Stream& stream_;
  tcp::socket& socket_;
  std::string read_;
  boost::system::error_code failed_;
};

}  // namespace

struct ScriptedServer::Impl {
  void accept();
  void serve(tcp::socket& socket);

  bool is_tls = false;
  Script script;
  int connections = 0;
  asio::ssl::context tls{asio::ssl::context::tls_server};
  asio::io_context io{1};
  tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
  std::thread thread;
};

void ScriptedServer::Impl::accept() {
  acceptor.async_accept([this](boost::system::error_code failed, tcp::socket socket) {
    if (!failed) {
      ++connections;
      // What is written before a connection is closed with bytes unread must have left before the reset.
      socket.set_option(tcp::no_delay(true), failed);
      serve(socket);
    }
    accept();
  });
}

void ScriptedServer::Impl::serve(tcp::socket& socket) {
  if (!is_tls) {
    PeerOver peer(socket, socket);
    script(peer, connections);
    return;
  }
  asio::ssl::stream<tcp::socket&> stream(socket, tls);
  boost::system::error_code failed;
  stream.handshake(asio::ssl::stream_base::server, failed);
  if (!failed) {
    PeerOver peer(stream, socket);
    script(peer, connections);
  }
}

ScriptedServer::ScriptedServer(const tern::test::TestCertificate* certificate, Script script)
    : impl_(std::make_unique<Impl>()) {
  impl_->script = std::move(script);
  if (certificate != nullptr) {
    impl_->is_tls = true;
    impl_->tls.use_certificate_chain(asio::buffer(certificate->pem));
    impl_->tls.use_private_key(asio::buffer(certificate->key), asio::ssl::context::pem);
  }
  impl_->accept();
  impl_->thread = std::thread([this] { impl_->io.run(); });
}

ScriptedServer::~ScriptedServer() {
  impl_->io.stop();
  impl_->thread.join();
}

std::string ScriptedServer::url() const {
  return (impl_->is_tls ? "https://127.0.0.1:" : "http://127.0.0.1:") +
         std::to_string(impl_->acceptor.local_endpoint().port());
}

}  // namespace tern::http_client::test

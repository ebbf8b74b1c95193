#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tern::test {

/// A proxy that opens tunnels, on a free port of loopback and a thread of its own. All tunnels lead to one port of this
/// machine, whatever host is asked for.
///
/// Thread safety: all functions from any thread.
class ProxyServer {
 public:
  /// `port`: where the tunnels lead.
  explicit ProxyServer(std::uint16_t port = 0);
  ~ProxyServer();
  ProxyServer(const ProxyServer&) = delete;
  ProxyServer& operator=(const ProxyServer&) = delete;

  /// `http://[user@]127.0.0.1:PORT`
  std::string url(const std::string& user = {}) const;
  /// Says these bytes instead of opening a tunnel, and nothing more.
  void answer_with(std::string bytes);
  /// The heads of the requests so far.
  std::vector<std::string> heads() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tern::test

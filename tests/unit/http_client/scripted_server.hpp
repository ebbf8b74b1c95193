#pragma once

#include "support/test_certificate.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace tern::http_client::test {

/// A connection of a `ScriptedServer`. Its functions block. A failure of the connection is no error: the client sees
/// it.
class ScriptedPeer {
 public:
  /// Reads to the end of a request's head.
  virtual void read_head() = 0;
  virtual void write(std::string_view bytes) = 0;
  /// Writes to the socket itself, past TLS.
  virtual void write_below(std::string_view bytes) = 0;
  /// What is written while this is true is kept back, and then goes in one segment.
  virtual void keep_back(bool yes) = 0;
  /// Reads until the client ends the connection.
  virtual void wait_for_end() = 0;

 protected:
  ~ScriptedPeer() = default;
};

/// A server on a free port of loopback and a thread of its own that does with each connection, one after the other,
/// what the test says. It closes the connection when the script returns. For what a well-behaved server never does.
///
/// Lifetime: it outlives its clients, whose connections its script waits for.
class ScriptedServer {
 public:
  /// The script for a connection, which is counted from 1. Runs on the thread of the server.
  using Script = std::function<void(ScriptedPeer& peer, int connection)>;

  /// Speaks https with a certificate, and http with nullptr.
  ScriptedServer(const tern::test::TestCertificate* certificate, Script script);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string url() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tern::http_client::test

#pragma once

#include <boost/asio/ip/udp.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tern::test {

/// What the name server answers to questions for one name.
struct FakeRecords {
  std::vector<std::string> addresses;  ///< of both families, in this order
  std::uint32_t ttl = 60;              ///< in seconds
  int code = 0;                        ///< 2: SERVFAIL, 3: NXDOMAIN
  bool truncated = false;              ///< over UDP nothing but that the answer is too long for it
  bool silent = false;                 ///< no answer, over UDP or TCP
  bool silent_for_ipv6 = false;        ///< no answer to the question for IPv6
  bool held = false;                   ///< answered once the test calls `release`

  static FakeRecords at(std::vector<std::string> addresses, std::uint32_t ttl = 60);
  static FakeRecords error(int code);
};

/// A name server for tests: real DNS over UDP and TCP on one port of loopback, on a thread of its own. Names that
/// the test did not script do not exist (NXDOMAIN). It never waits for time to pass.
///
/// Thread safety: all functions from any thread.
class FakeNameServer {
 public:
  /// On `address`, at `port` or, with 0, at one that is free.
  /// Errors: `system_error` when that port is taken.
  explicit FakeNameServer(const std::string& address = "127.0.0.1", std::uint16_t port = 0);
  ~FakeNameServer();
  FakeNameServer(const FakeNameServer&) = delete;
  FakeNameServer& operator=(const FakeNameServer&) = delete;

  boost::asio::ip::udp::endpoint endpoint() const;

  /// From now on questions for `name`, in lower case, are answered so.
  void answer(const std::string& name, FakeRecords records);
  /// Answers all questions that are held, as their names are scripted by now.
  void release();

  /// Questions for `name` so far; a look-up asks one for each family.
  std::size_t questions(const std::string& name) const;
  /// Questions for all names so far, and those of them that came over TCP.
  std::size_t questions() const;
  std::size_t questions_over_tcp() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tern::test

#pragma once

#include "net/resolver.hpp"

#include "async/timing_wheel.hpp"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>

// Types of c-ares; its header is included in .cpp files only.
struct ares_addrinfo;     // NOLINT(readability-identifier-naming)
struct ares_channeldata;  // NOLINT(readability-identifier-naming)

namespace tern::net {

struct Lookup;
struct Watched;

/// One question to c-ares. It cannot be cancelled there, so it may outlive its `Lookup`.
struct Query {
  std::weak_ptr<Lookup> lookup;
  void (*answered)(const std::shared_ptr<Lookup>& lookup, int status, const ares_addrinfo* found) noexcept;
  std::size_t* open;  // the number of open questions
};

/// A channel of c-ares. The io_context watches its sockets, and the wheel has its time-outs.
///
/// Lifetime: the io_context, wheel and clock outlive it. It must not be destroyed inside `Query::answered`.
class AresChannel final : TimingWheel::Entry {
 public:
  enum class Source { hosts_file, servers };

  AresChannel(asio::io_context& io, TimingWheel& wheel, Clock& clock, Source source, const ResolverOptions& options);
  /// Answers all open questions with ARES_EDESTRUCTION.
  ~AresChannel() override;

  /// Asks for the addresses of one family, or of both with AF_UNSPEC. The answer may come before this returns.
  void ask(const std::string& name, int family, std::unique_ptr<Query> query);

 private:
  friend struct Watched;
  static void on_socket(void* self, int socket, int readable, int writable) noexcept;
  static void on_answer(void* query, int status, int timeouts, ares_addrinfo* found) noexcept;
  void on_expired() noexcept override;
  void watch(int socket, bool readable, bool writable);
  void process(int readable, int writable);
  void arm() noexcept;

  asio::io_context& io_;
  TimingWheel& wheel_;
  Clock& clock_;
  ares_channeldata* channel_ = nullptr;
  int status_;
  std::unordered_map<int, std::shared_ptr<Watched>> sockets_;
};

}  // namespace tern::net

#pragma once

#include "connector/resolver.hpp"

#include <tern/async/timing_wheel.hpp>

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>

// The names of c-ares, whose header stays out of this one.
struct ares_addrinfo;     // NOLINT(readability-identifier-naming)
struct ares_channeldata;  // NOLINT(readability-identifier-naming)

namespace tern::connector {

struct Lookup;
struct Watched;

/// One question to c-ares. It cannot be withdrawn there, so it may outlive the look-up.
struct Query {
  std::weak_ptr<Lookup> lookup;
  void (*answered)(const std::shared_ptr<Lookup>& lookup, int status, const ares_addrinfo* found) noexcept;
  std::size_t* open;  // how many there are
};

/// A channel of c-ares, whose sockets the io_context watches and whose time-outs the wheel keeps.
///
/// Lifetime: the io_context, wheel and clock outlive it. It is not destroyed while an answer is told.
class AresChannel final : TimingWheel::Entry {
 public:
  enum class Source { hosts_file, servers };

  AresChannel(asio::io_context& io, TimingWheel& wheel, Clock& clock, Source source, const ResolverOptions& options);
  /// All questions end with ARES_EDESTRUCTION.
  ~AresChannel() override;

  /// Asks for the addresses of one family, or of both with AF_UNSPEC. The answer may be told before this returns.
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

}  // namespace tern::connector

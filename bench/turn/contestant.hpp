#pragma once

#include "turn/exchange.hpp"
#include "turn/load.hpp"
#include "turn/message.hpp"
#include "turn/process.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bench {

/// What one load cost a server.
struct Measurement {
  double total_us = 0;   ///< processor time for each turn
  double system_us = 0;  ///< the kernel's part of it
  double per_second = 0;
};

/// A server under test, in its own process from the first load to the last.
class Contestant {
 public:
  /// Starts `command` with `port` in place of "@port@" and waits until it listens.
  /// `log`: the file that takes what it prints. `token_for`: makes the tokens that its messages bring.
  Contestant(std::vector<std::string> command, std::string log, std::optional<int> core, TokenFor token_for = {});

  const std::string& name() const noexcept { return process_->name(); }

  /// Its reply to one message. Errors: `std::runtime_error` when it does not answer as the protocol says.
  boost::json::object say(Mode mode, const std::string& id, const std::string& conversation, const std::string& user);
  /// Puts a load on it, and reads from its own accounting what that cost.
  Measurement measure(Mode mode, const std::string& service_url, const std::string& prefix,
                      const LoadSettings& settings);
  /// Asks it how many messages a conversation had, and compares with how many were sent.
  /// Errors: `std::runtime_error` when turns were lost or made twice.
  void check_counts(Mode mode, const LoadSettings& settings);
  /// Ends it by SIGTERM. Errors: `std::runtime_error` when its exit status is neither 0 nor that of the signal.
  void stop();

 private:
  std::string log_;
  TokenFor token_for_;
  std::uint16_t port_;
  std::unique_ptr<Process> process_;
  std::uint64_t answered_ = 0;
  unsigned loads_ = 0;
};

}  // namespace bench

#pragma once

#include "turn/exchange.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

namespace bench {

/// How users fared during one measurement.
struct HealthyFigures {
  std::size_t turns = 0;   ///< messages that were to be sent
  std::size_t failed = 0;  ///< of them: refused, or not answered within 10 s
  double turn_p50_ms = 0;
  double turn_p99_ms = 0;
  std::size_t answers = 0;  ///< scheduled answers that were to come
  std::size_t missing = 0;  ///< of them: had not come 5 s after they were due
  double late_p50_ms = 0;   ///< behind the time at which they were due
  double late_p99_ms = 0;
};

/// Well-behaved users of `proactive_bot` and their channel, on a thread of its own: so many messages a second at fixed
/// times, whether or not earlier ones are answered, over connections that are kept. The bot answers each 3 s later; the
/// text says when that is.
class Healthy {
 public:
  /// `port`: of the bot on 127.0.0.1. `token_for`: makes the token that their channel brings; empty: it brings none.
  /// `tls`: speak TLS with the bot, and trust any certificate.
  Healthy(std::uint16_t port, std::size_t per_second, const TokenFor& token_for, bool tls);
  ~Healthy();
  Healthy(const Healthy&) = delete;
  Healthy& operator=(const Healthy&) = delete;

  /// The address of their channel.
  std::string channel_url() const;
  /// Takes `seconds` for the messages, and 8 s more for their answers.
  HealthyFigures measure(double seconds);

 private:
  struct World;
  std::unique_ptr<World> world_;
  std::thread thread_;
};

}  // namespace bench

#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// In milliseconds.
struct Spread {
  double p50 = 0;
  double p99 = 0;
  double worst = 0;
};
Spread spread_of(std::vector<double> values);

/// When the messages of a measurement came to their clients.
struct DeliveryFigures {
  std::size_t messages = 0;  ///< that were to be sent
  std::size_t failed = 0;    ///< of them: were not answered 200 in time
  std::size_t missing = 0;   ///< messages and answers that a client has not seen in time
  std::size_t twice = 0;     ///< those that a client has seen twice
  std::size_t lost = 0;      ///< connections of clients that have ended
  Spread load;               ///< how late the load has sent: its machine is to blame, not the server
  Spread message;            ///< from when a message was due to when its sender has it back
  Spread answer;             ///< from when the bot was to answer to when the client has its answer
  // Of those who follow at the second server, where there is one:
  Spread message_there;
  Spread answer_there;
  Spread message_behind;  ///< how long after a follower at the first server
  Spread answer_behind;
};

/// The figures of several rounds: a row for each name, in the order in which the names came first.
class RoundTable {
 public:
  /// A target is the most that the median may be; 0: none.
  void add(const std::string& name, double value, const char* unit, double target = 0);
  /// p50, p99, and the worst; the target is that of the p99.
  void add(const std::string& name, const Spread& spread, double target = 0);
  /// What there should be none of.
  void none(const std::string& name, std::size_t count);

  /// Prints medians with their ranges. True when all targets are met. Errors: `std::runtime_error` when there was some
  /// of what there should be none of.
  bool print() const;
  double median_of(const std::string& name) const;

 private:
  struct Row {
    std::string name;
    const char* unit;
    double target;
    bool none;  // none of it, in any round
    std::vector<double> values;
  };

  Row& row(const std::string& name, const char* unit, double target, bool none);

  std::vector<Row> rows_;
};

}  // namespace bench

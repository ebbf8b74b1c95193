#pragma once

#include "tools/schedule/describe.hpp"
#include "tools/schedule/table.hpp"

#include <tern/async/clock.hpp>

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace tern::tools {

/// The form of the answers.
struct Form {
  bool json = false;            ///< a line of JSON for each thing, instead of a table
  Texts texts = Texts::hidden;  ///< messages are private
};

/// Writes the results of commands: for people, or a line of JSON for each thing.
///
/// Lifetime: `out` outlives the printer. Thread safety: none.
class Printer {
 public:
  Printer(std::ostream& out, Form form, Clock& clock) : out_(out), form_(form), clock_(clock) {}

  void rows(const std::vector<ScheduledSend>& sends);
  void rows(const std::vector<DeadSend>& sends);
  /// One send, field by field.
  void one(const ScheduledSend& send);
  void one(const DeadSend& dead);
  void counts(const SendCounts& counts);
  /// The result for one handle. `outcome`: one word, for JSON; `told`: for people.
  void outcome(const std::string& handle, const std::string& outcome, const std::string& told);
  /// For people alone.
  void remark(const std::string& text);

  WallTime now() const noexcept { return clock_.wall_now(); }

 private:
  template <class Send>
  void show(const char* state, const Send& send);
  void print(const Fields& fields);
  Table& table(Table::Row headings);

  std::ostream& out_;
  const Form form_;
  Clock& clock_;
  std::optional<Table> table_;
};

}  // namespace tern::tools

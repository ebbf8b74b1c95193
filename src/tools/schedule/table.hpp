#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace tern::tools {

/// `text` on one line, without what could move a terminal's cursor or turn the direction of writing; what is no UTF-8
/// is shown as `?`. At most `longest` characters, the last of them `…` when something was cut off.
std::string printable(std::string_view text, std::size_t longest = 200);

/// A table in plain text, printed a few rows at a time, so that it may be longer than memory. Columns are as wide as
/// the widest cell so far; the last one is not padded.
class Table {
 public:
  using Row = std::vector<std::string>;

  /// Lifetime: `out` outlives the table.
  Table(std::ostream& out, Row headings);

  /// Cells are printed as `printable` gives them; each row has one for each heading.
  void print(std::vector<Row> rows);

 private:
  std::ostream& out_;
  Row headings_;
  std::vector<std::size_t> widths_;
  bool begun_ = false;
};

}  // namespace tern::tools

#pragma once

#include "tools/storage/digest.hpp"
#include "tools/storage/progress.hpp"

#include <tern/storage/any_storage.hpp>

#include <istream>
#include <ostream>
#include <string>
#include <vector>

namespace tern::tools {

/// Writes all documents of `from` as JSON lines; `json_lines.hpp` says how. Notes how many sends are not among them.
/// Errors: `ToolError` when `out` takes no more; `system_error` of the store.
awaitable<Totals> export_lines(AnyStorage from, std::ostream& out, Progress& progress);

/// Reads JSON lines and compares them with their last line, without a store.
/// Errors: `ToolError` that names the line.
Totals check_lines(std::istream& in);

struct ImportOptions {
  bool overwrite = false;  ///< replace documents that are there already; otherwise the target must be empty
};

/// Writes the documents of JSON lines into `to`. When it fails midway, the documents written so far stay.
/// The totals of the target; with `overwrite` of what was written, in the order of the lines.
/// Errors: `ToolError` that names the line or the key; `system_error` of the store.
awaitable<Totals> import_lines(std::istream& in, AnyStorage to, ImportOptions options, Progress& progress);

/// The result of `check`.
struct CheckReport {
  Totals totals;
  std::uint64_t problems = 0;
  std::vector<std::string> first;  ///< of the problems, at most 10
};

/// Reads every document twice, by scan and by key: keys ascend and are as long as they may be, documents are JSON, have
/// an eTag, and are the same both times. A document that was written meanwhile is no problem.
awaitable<CheckReport> check(AnyStorage store, Progress& progress);

}  // namespace tern::tools

#include "tools/storage/transfer.hpp"

#include "tools/storage/copy.hpp"
#include "tools/storage/json_lines.hpp"
#include "tools/storage/left_sends.hpp"
#include "tools/storage/pages.hpp"
#include "tools/storage/tool_error.hpp"

#include <optional>
#include <utility>

namespace tern::tools {

namespace {

/// Reads the lines one by one, checks their order in the file and, at the end, their totals.
class LineReader {
 public:
  explicit LineReader(std::istream& in) : in_(in) {}

  /// The next document; none at the end.
  std::optional<ParsedLine> next() {
    std::string text;
    while (std::getline(in_, text)) {
      ++number_;
      if (text.empty() || text == "\r") {
        continue;
      }
      auto line = read(text);
      if (line.kind == ParsedLine::Kind::document) {
        digest_.add(line.key, line.document);
        return line;
      }
    }
    finish();
    return std::nullopt;
  }
  Totals totals() const { return digest_.totals(); }
  [[noreturn]] void fail(const std::string& why) const {
    throw ToolError("Line " + std::to_string(number_) + " cannot be imported: " + why + ".");
  }

 private:
  ParsedLine read(const std::string& text) {
    ParsedLine line;
    try {
      line = parse_line(text);
    } catch (const ToolError& e) {
      fail(e.what());
    }
    if (ended_) {
      fail("it comes after the line that ends the export");
    }
    has_header_ = has_header_ || line.kind == ParsedLine::Kind::header;
    if (line.kind == ParsedLine::Kind::end) {
      ended_ = true;
      if (line.totals != digest_.totals()) {
        fail("what comes before it does not have the totals it states; the file was changed or damaged");
      }
    }
    return line;
  }
  void finish() const {
    if (in_.bad()) {
      throw ToolError("The file cannot be read on after line " + std::to_string(number_) + ".");
    }
    // A file that somebody wrote by hand has neither line.
    if (has_header_ && !ended_) {
      throw ToolError("The file ends after line " + std::to_string(number_) +
                      " without the totals: it was cut short. Export again.");
    }
  }

  std::istream& in_;
  Digest digest_;
  std::uint64_t number_ = 0;
  bool has_header_ = false;
  bool ended_ = false;
};

void write_line(std::ostream& out, const std::string& line) {
  out << line << '\n';
  if (!out) {
    throw ToolError("The export cannot be written on; is the disk full?");
  }
}

awaitable<void> flush(BatchWriter& batch) {
  const auto conflicts = co_await batch.flush();
  if (!conflicts.empty()) {
    throw ToolError("The key \"" + conflicts.front() +
                    "\" is there already. Does it come twice? --overwrite takes "
                    "the later one.");
  }
}

/// What is wrong with a document by itself, "" for nothing.
std::string problem_of(const StoreItem& item, const std::string& last_key) {
  if (item.key.empty() || item.key.size() > max_key_bytes) {
    return "has a key of " + std::to_string(item.key.size()) + " bytes";
  }
  if (!last_key.empty() && item.key <= last_key) {
    return "does not come after the one before it";
  }
  if (item.etag.empty()) {
    return "has no eTag";
  }
  return is_json(item.document) ? "" : "is no JSON";
}

void tell(CheckReport& report, const std::string& key, const std::string& what) {
  constexpr std::size_t most_told = 10;
  ++report.problems;
  if (report.first.size() < most_told) {
    report.first.push_back("\"" + key + "\" " + what);
  }
}

/// Whether a document that a scan found cannot be read by its key; false when it was only removed meanwhile.
awaitable<bool> is_lost(AnyStorage store, std::string key) {
  const auto page = co_await store.scan(StoreScan(key, 1), Deadline::after(patience));
  if (page.items.empty() || page.items.front().key != key) {
    co_return false;
  }
  const auto items = co_await store.read(std::vector{key}, Deadline::after(patience));
  co_return items.empty();
}

/// Reads by key what a scan has found.
awaitable<void> check_again(AnyStorage store, std::vector<StoreItem> page, CheckReport& report) {
  std::vector<std::string> keys;
  keys.reserve(page.size());
  for (const auto& item : page) {
    keys.push_back(item.key);
  }
  const auto again = co_await store.read(std::move(keys), Deadline::after(patience));
  auto read = again.begin();  // in the order of the page; what was removed meanwhile is missing
  for (const auto& item : page) {
    if (read == again.end() || read->key != item.key) {
      const bool lost = co_await is_lost(store, item.key);
      if (lost) {
        tell(report, item.key, "is found by a scan and not by its key");
      }
      continue;
    }
    if (read->etag == item.etag && read->document != item.document) {
      tell(report, item.key, "reads otherwise by its key than in a scan");
    }
    ++read;
  }
}

}  // namespace

awaitable<Totals> export_lines(AnyStorage from, std::ostream& out, Progress& progress) {
  const auto left = co_await left_sends(from);
  Digest digest;
  PageReader reader(std::move(from));
  progress.begin("exporting", 0);
  write_line(out, header_line());
  for (auto page = co_await reader.next(); !page.empty(); page = co_await reader.next()) {
    for (const auto& item : page) {
      write_line(out, document_line(item.key, item.document));
      digest.add(item.key, item.document);
      progress.advance(item.key.size() + item.document.size());
    }
  }
  write_line(out, end_line(digest.totals()));
  out.flush();
  if (!out) {
    throw ToolError("The export cannot be written to its end; is the disk full?");
  }
  progress.end();
  if (const auto text = left.text(); !text.empty()) {
    progress.note("Not in the export: " + text + ". Only the store has them.");
  }
  co_return digest.totals();
}

Totals check_lines(std::istream& in) {
  LineReader lines(in);
  while (lines.next()) {
  }
  return lines.totals();
}

awaitable<Totals> import_lines(std::istream& in, AnyStorage to, ImportOptions options, Progress& progress) {
  if (!options.overwrite) {
    const bool empty = co_await is_empty(to);
    if (!empty) {
      throw ToolError("The target is not empty. --overwrite replaces what has the same key and leaves the rest.");
    }
  }
  const auto expect = options.overwrite ? Expect::any() : Expect::absent();
  LineReader lines(in);
  BatchWriter batch(to);
  progress.begin("importing", 0);
  while (auto line = lines.next()) {
    if (line->key.starts_with(reserved_prefix)) {
      lines.fail("keys that begin with " + std::string(reserved_prefix) + " belong to tern-storage");
    }
    if (!batch.add(line->key, line->document, expect)) {
      co_await flush(batch);
      batch.add(line->key, line->document, expect);
    }
    progress.advance(line->key.size() + line->document.size());
  }
  co_await flush(batch);
  progress.end();
  const auto written = lines.totals();
  if (options.overwrite) {
    co_return written;
  }
  auto found = co_await add_up(to, "verifying the target", written.documents, progress);
  if (found.documents != written.documents || found.bytes != written.bytes) {
    throw ToolError("The target has " + std::to_string(found.documents) + " documents of " +
                    std::to_string(found.bytes) + " bytes instead of " + std::to_string(written.documents) + " of " +
                    std::to_string(written.bytes) + ". Was it written to meanwhile? Stop its bot.");
  }
  co_return found;
}

awaitable<CheckReport> check(AnyStorage store, Progress& progress) {
  CheckReport report;
  Digest digest;
  PageReader reader(store);
  std::string last_key;
  progress.begin("checking", 0);
  for (auto page = co_await reader.next(); !page.empty(); page = co_await reader.next()) {
    for (const auto& item : page) {
      if (const auto problem = problem_of(item, last_key); !problem.empty()) {
        tell(report, item.key, problem);
      }
      last_key = item.key;
      digest.add(item.key, item.document);
      progress.advance(item.key.size() + item.document.size());
    }
    co_await check_again(store, std::move(page), report);
  }
  progress.end();
  report.totals = digest.totals();
  co_return report;
}

}  // namespace tern::tools

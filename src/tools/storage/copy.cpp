#include "tools/storage/copy.hpp"

#include "tools/storage/left_sends.hpp"
#include "tools/storage/pages.hpp"
#include "tools/storage/tool_error.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <optional>
#include <utility>

namespace tern::tools {

namespace {

namespace json = boost::json;

std::string checkpoint_key() {
  return std::string(reserved_prefix) + "copy";
}

/// How far a copy has come; kept in the target.
struct Checkpoint {
  std::string source;
  std::string after;  ///< the last key that was copied
  std::uint64_t documents = 0;
  std::optional<SchedulePlace> schedule;  ///< once the documents are copied

  std::string text() const {
    json::object object;
    object["source"] = source;
    object["after_hex"] = to_hex(after);
    object["documents"] = documents;
    if (schedule) {
      object["schedule"] = {{"stage", static_cast<int>(schedule->stage)},
                            {"after_hex", to_hex(schedule->after)},
                            {"sends", schedule->sends}};
    }
    return json::serialize(object);
  }
  static Checkpoint parse(const std::string& text) {
    try {
      const auto value = json::parse(text);
      const auto& object = value.as_object();
      Checkpoint checkpoint;
      checkpoint.source = object.at("source").as_string().c_str();
      checkpoint.after = from_hex(std::string(object.at("after_hex").as_string()));
      checkpoint.documents = object.at("documents").to_number<std::uint64_t>();
      if (const auto* schedule = object.if_contains("schedule")) {
        checkpoint.schedule.emplace();
        checkpoint.schedule->stage = static_cast<SchedulePlace::Stage>(schedule->at("stage").to_number<int>());
        checkpoint.schedule->after = from_hex(std::string(schedule->at("after_hex").as_string()));
        checkpoint.schedule->sends = schedule->at("sends").to_number<std::uint64_t>();
      }
      return checkpoint;
    } catch (const std::exception&) {
      throw ToolError("The target's note of how far a copy has come cannot be read. --restart copies from the start.");
    }
  }
};

awaitable<std::optional<Checkpoint>> find_checkpoint(AnyStorage store) {
  auto items = co_await store.read(std::vector{checkpoint_key()}, Deadline::after(patience));
  if (items.empty()) {
    co_return std::nullopt;
  }
  co_return Checkpoint::parse(items.begin()->document);
}

/// Where to begin: after what an earlier run has copied, or with the first document of an empty target.
awaitable<Checkpoint> begin_or_resume(AnyStorage to, CopyOptions options, Progress& progress) {
  Checkpoint start;
  start.source = options.source_id;
  std::optional<Checkpoint> found;
  bool damaged = false;
  try {
    found = co_await find_checkpoint(to);
  } catch (const ToolError&) {
    if (!options.restart) {
      throw;
    }
    damaged = true;
  }
  if (found || damaged) {
    if (options.restart) {
      progress.note("Copying from the start; what an earlier copy has written is overwritten.");
      if (to.schedules()) {
        co_await clear_sends(to);
      }
      co_return start;
    }
    if (found->source != options.source_id) {
      throw ToolError(
          "The target holds the beginning of a copy from another source. Finish that one, empty the "
          "target, or copy this source over it with --restart.");
    }
    const auto sends = found->schedule ? found->schedule->sends : 0;
    progress.note("Going on after " + std::to_string(found->documents) + " documents" +
                  (sends > 0 ? " and " + std::to_string(sends) + " sends" : "") + " that an earlier run has copied.");
    co_return std::move(*found);
  }
  const bool empty = co_await is_empty(to);
  if (!empty) {
    throw ToolError("The target is not empty. Copy into an empty store; export and import --overwrite join two.");
  }
  co_return start;
}

/// Writes what the batch holds, and how far that is.
awaitable<void> write_batch(BatchWriter& batch, Checkpoint& checkpoint) {
  std::vector<StoreUpsert> note;
  note.emplace_back(checkpoint_key(), checkpoint.text());
  co_await batch.flush(std::move(note));
}

awaitable<Checkpoint> copy_documents(AnyStorage from, AnyStorage to, Checkpoint checkpoint, Progress& progress) {
  PageReader reader(std::move(from), checkpoint.after);
  BatchWriter batch(std::move(to));
  for (auto page = co_await reader.next(); !page.empty(); page = co_await reader.next()) {
    for (const auto& item : page) {
      if (!batch.add(item.key, item.document, Expect::any())) {
        co_await write_batch(batch, checkpoint);
        batch.add(item.key, item.document, Expect::any());
      }
      checkpoint.after = item.key;
      ++checkpoint.documents;
      progress.advance(item.key.size() + item.document.size());
    }
  }
  co_await write_batch(batch, checkpoint);
  co_return checkpoint;
}

std::string describe(const ScheduleTotals& totals) {
  return std::to_string(totals.sends) + " pending sends, " + std::to_string(totals.keys) + " idempotency keys and " +
         std::to_string(totals.dead) + " dead sends";
}

awaitable<ScheduleTotals> copy_sends(AnyStorage from, AnyStorage to, Checkpoint checkpoint, std::uint64_t expected,
                                     Progress& progress) {
  const auto totals = co_await add_up_schedule(from, "reading the sends", expected, progress);
  progress.begin("copying the sends", totals.sends);
  const auto start = checkpoint.schedule.value_or(SchedulePlace());
  progress.skip(start.sends);
  auto note_of = [checkpoint](const SchedulePlace& place) mutable {
    checkpoint.schedule = place;
    return StoreUpsert(checkpoint_key(), checkpoint.text());
  };
  co_await copy_schedule(from, to, start, std::move(note_of), progress);
  progress.end();
  const auto found = co_await add_up_schedule(to, "verifying the sends", totals.sends, progress);
  if (found != totals) {
    throw ToolError("The copy has " + describe(found) + ", its source " + describe(totals) +
                    ", or they differ. Was either written to meanwhile? Stop its bot, and copy again with --restart.");
  }
  co_return totals;
}

awaitable<void> forget_checkpoint(AnyStorage store) {
  StoreChanges changes;
  changes.removals.emplace_back(checkpoint_key());
  auto removed = co_await store.write(std::move(changes), Deadline::after(patience));
  if (!removed) {
    throw ToolError("The target's note of how far the copy has come was not removed; nobody else may write to it.");
  }
}

// Whoever moves a bot has promised these to people, and would not look for them in the old store.
void require_moved(const LeftSends& left, const AnyStorage& to, const CopyOptions& options) {
  if (left.pending > 0 && !options.leave_sends && !to.schedules()) {
    throw ToolError("The source has " + left.text() +
                    ", and the target keeps no schedule. Let the bot send them first, or copy with --leave-sends and "
                    "keep the old store until it has.");
  }
}

std::string describe(const Totals& totals) {
  return std::to_string(totals.documents) + " documents, " + std::to_string(totals.bytes) + " bytes, sha256 " +
         totals.sha256;
}

}  // namespace

awaitable<Totals> add_up(AnyStorage store, std::string what, std::uint64_t expected, Progress& progress) {
  Digest digest;
  PageReader reader(std::move(store));
  progress.begin(what, expected);
  for (auto page = co_await reader.next(); !page.empty(); page = co_await reader.next()) {
    for (const auto& item : page) {
      digest.add(item.key, item.document);
      progress.advance(item.key.size() + item.document.size());
    }
  }
  progress.end();
  co_return digest.totals();
}

awaitable<bool> is_empty(AnyStorage store) {
  PageReader reader(store);
  const auto first = co_await reader.next();
  bool empty = first.empty();
  if (empty && store.schedules()) {
    const auto counts = co_await store.count_sends(Deadline::after(patience));
    empty = counts.pending == 0 && counts.kept_dead == 0;
  }
  co_return empty;
}

awaitable<CopyReport> copy(AnyStorage from, AnyStorage to, CopyOptions options, Progress& progress) {
  auto left = co_await left_sends(from);
  require_moved(left, to, options);
  const bool moves_sends = !options.leave_sends && from.schedules() && to.schedules();
  auto checkpoint = co_await begin_or_resume(to, std::move(options), progress);
  CopyReport report;
  report.resumed = checkpoint.documents;
  report.totals = co_await add_up(from, "reading the source", 0, progress);
  progress.begin("copying", report.totals.documents);
  progress.skip(checkpoint.documents);
  checkpoint = co_await copy_documents(from, to, std::move(checkpoint), progress);
  progress.end();
  const auto found = co_await add_up(to, "verifying the target", report.totals.documents, progress);
  if (found != report.totals) {
    throw ToolError("The copy differs from its source: " + describe(found) + " instead of " + describe(report.totals) +
                    ". Was either written to meanwhile? Stop its bot, empty the target, or "
                    "copy again with --restart.");
  }
  if (moves_sends) {
    report.schedule = co_await copy_sends(from, to, std::move(checkpoint), left.pending, progress);
    left = {};
  }
  co_await forget_checkpoint(to);
  if (report.schedule.sends > 0) {
    progress.note("The source has the copied sends still: no bot may run on it any more, or people get them twice.");
  }
  if (const auto text = left.text(); !text.empty()) {
    progress.note("Not copied: " + text + ". The source has them still.");
  }
  co_return report;
}

}  // namespace tern::tools

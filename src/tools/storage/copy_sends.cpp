#include "tools/storage/copy_sends.hpp"

#include "tools/storage/digest.hpp"
#include "tools/storage/pages.hpp"
#include "tools/storage/tool_error.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace tern::tools {

namespace {

constexpr std::size_t wanted_bytes = 4 << 20;
constexpr std::size_t most_sends = 1000;
constexpr std::size_t most_keys = 1000;
constexpr std::size_t most_dead = 100;

std::size_t bytes_of(const ScheduledSend& send) noexcept {
  return send.order_key.size() + send.reference.size() + send.payload.size() + send.idempotency_key.size() +
         send.client_request_id.size() + send.cancel_on_reply.size() + send.annotations.size();
}

/// Pages of about the same size, whatever the size of a send.
class SendReader {
 public:
  explicit SendReader(AnyStorage store, std::string after = {}) : store_(std::move(store)), after_(std::move(after)) {}

  /// Empty at the end. `after` is then what the next page comes after.
  awaitable<std::vector<ScheduledSend>> next() {
    std::vector<ScheduledSend> sends;
    if (ended_) {
      co_return sends;
    }
    SendQuery query;
    query.after = after_;
    query.limit = limit_;
    auto page = co_await store_.list_sends(std::move(query), Deadline::after(patience));
    ended_ = page.next.empty();
    after_ = std::move(page.next);
    std::size_t bytes = 1;
    for (const auto& send : page.sends) {
      bytes += bytes_of(send);
    }
    const auto fitting = std::max<std::size_t>(1, page.sends.size()) * wanted_bytes / bytes;
    limit_ = std::clamp<std::size_t>(fitting, 1, std::min(limit_ * 2, most_sends));
    sends = std::move(page.sends);
    co_return sends;
  }
  const std::string& after() const noexcept { return after_; }
  bool ended() const noexcept { return ended_; }

 private:
  AnyStorage store_;
  std::string after_;
  std::size_t limit_ = 64;
  bool ended_ = false;
};

awaitable<KeyPage> read_keys(AnyStorage store, std::string after) {
  KeyQuery query;
  query.after = std::move(after);
  query.limit = most_keys;
  auto page = co_await store.list_keys(std::move(query), Deadline::after(patience));
  co_return page;
}

awaitable<DeadPage> read_dead(AnyStorage store, std::string after) {
  DeadQuery query;
  query.after = std::move(after);
  query.limit = most_dead;
  auto page = co_await store.list_dead(std::move(query), Deadline::after(patience));
  co_return page;
}

/// The members of a send or a key, each with its length, in the precision that every store keeps.
class Description {
 public:
  Description& text(std::string_view value) {
    text_ += std::to_string(value.size());
    text_ += ':';
    text_ += value;
    return *this;
  }
  Description& number(std::uint64_t value) { return text(std::to_string(value)); }
  Description& time(WallTime value) {
    return text(
        std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(value.time_since_epoch()).count()));
  }
  Description& bytes(const std::array<std::uint8_t, 16>& value) {
    return text({reinterpret_cast<const char*>(value.data()), value.size()});
  }
  void add_to(std::array<std::uint64_t, 4>& sum) const {
    const auto hash = from_hex(sha256_hex(text_));
    for (std::size_t i = 0; i < sum.size(); ++i) {
      std::uint64_t part = 0;
      for (std::size_t j = 0; j < sizeof part; ++j) {
        part = part << 8 | static_cast<unsigned char>(hash.at(i * sizeof part + j));
      }
      sum[i] += part;
    }
  }

 private:
  std::string text_;
};

Description described(const ScheduledSend& send) {
  Description description;
  description.number(send.handle.slot).time(send.handle.due).bytes(send.handle.id);
  description.number(send.generation).number(send.attempt).number(send.begun);
  description.number(static_cast<std::uint64_t>(send.kind)).number(send.at_most_once ? 1 : 0);
  description.time(std::max(send.not_before, send.handle.due)).time(send.expires.value_or(WallTime()));
  for (const auto* text : {&send.order_key, &send.reference, &send.payload, &send.idempotency_key,
                           &send.client_request_id, &send.cancel_on_reply, &send.annotations}) {
    description.text(*text);
  }
  return description;
}

void add(const ScheduledSend& send, ScheduleTotals& totals) {
  described(send).add_to(totals.sum);
  ++totals.sends;
}

void add(const DeadSend& dead, ScheduleTotals& totals) {
  described(dead.send).text(dead.reason).time(dead.died).add_to(totals.sum);
  ++totals.dead;
}

void add(const KeptKey& key, ScheduleTotals& totals) {
  const auto& [handle, digest] = key.known;
  Description description;
  description.text(key.key).number(handle.slot).time(handle.due).bytes(handle.id).bytes(digest);
  description.add_to(totals.sum);
  ++totals.keys;
}

awaitable<void> write(AnyStorage to, StoreChanges changes) {
  auto written = co_await to.write(std::move(changes), Deadline::after(patience));
  if (!written) {
    throw ToolError("The target refused sends of the source. Was it written to meanwhile? Stop its bot.");
  }
}

}  // namespace

awaitable<ScheduleTotals> add_up_schedule(AnyStorage store, std::string what, std::uint64_t expected,
                                          Progress& progress) {
  ScheduleTotals totals;
  progress.begin(what, expected);
  SendReader reader(store);
  for (auto page = co_await reader.next(); !page.empty(); page = co_await reader.next()) {
    for (const auto& send : page) {
      add(send, totals);
      progress.advance(bytes_of(send));
    }
  }
  std::string after;
  do {
    auto page = co_await read_keys(store, after);
    for (const auto& key : page.keys) {
      add(key, totals);
    }
    after = std::move(page.next);
  } while (!after.empty());
  do {
    auto page = co_await read_dead(store, after);
    for (const auto& dead : page.sends) {
      add(dead, totals);
    }
    after = std::move(page.next);
  } while (!after.empty());
  progress.end();
  co_return totals;
}

awaitable<void> copy_schedule(AnyStorage from, AnyStorage to, SchedulePlace place,
                              std::function<StoreUpsert(const SchedulePlace&)> note_of, Progress& progress) {
  using Stage = SchedulePlace::Stage;
  SendReader reader(from, place.stage == Stage::sends ? place.after : "");
  while (place.stage != Stage::done) {
    StoreChanges changes;
    switch (place.stage) {
      case Stage::sends: {
        changes.sends = co_await reader.next();
        for (auto& send : changes.sends) {
          send.is_copy = true;
          progress.advance(bytes_of(send));
        }
        place.sends += changes.sends.size();
        place.after = reader.after();
        break;
      }
      case Stage::keys: {
        auto page = co_await read_keys(from, place.after);
        changes.keys = std::move(page.keys);
        place.after = std::move(page.next);
        break;
      }
      default: {
        auto page = co_await read_dead(from, place.after);
        changes.dead = std::move(page.sends);
        place.after = std::move(page.next);
        break;
      }
    }
    if (place.after.empty()) {
      place.stage = static_cast<Stage>(static_cast<int>(place.stage) + 1);
    }
    changes.upserts.push_back(note_of(place));
    co_await write(to, std::move(changes));
  }
}

namespace {

awaitable<void> remove(AnyStorage store, StoreChanges changes) {
  const auto written = co_await store.write(std::move(changes), Deadline::after(patience));
  const bool all = written && std::all_of(written->edits.begin(), written->edits.end(),
                                          [](EditOutcome outcome) { return outcome == EditOutcome::done; });
  if (!all) {
    throw ToolError(
        "A send that an earlier copy has written into the target cannot be removed: a bot is sending it. "
        "Stop its bot.");
  }
}

}  // namespace

awaitable<void> clear_sends(AnyStorage store) {
  for (bool any = true; any;) {
    SendQuery query;
    query.limit = most_sends;
    const auto page = co_await store.list_sends(std::move(query), Deadline::after(patience));
    const auto dead = co_await read_dead(store, "");
    StoreChanges changes;
    for (const auto& send : page.sends) {
      changes.edits.emplace_back(SendEdit::Kind::cancel, send.handle);
    }
    for (const auto& one : dead.sends) {
      changes.edits.emplace_back(SendEdit::Kind::discard, one.send.handle);
    }
    any = !changes.edits.empty();
    co_await remove(store, std::move(changes));
  }
}

}  // namespace tern::tools

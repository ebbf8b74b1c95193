#include "direct_line/history.hpp"

#include <tern/error.hpp>

#include <algorithm>
#include <utility>

namespace tern::direct_line {

namespace {

// So many writers at once would be a fault: a process writes a conversation once at a time.
constexpr int max_tries = 32;
constexpr std::size_t removals_at_once = 200;
constexpr std::size_t heads_in_page = 500;
constexpr std::uint64_t read_at_once = 16;

std::optional<FoundHead> found_in(const StoreItem* item) {
  auto head = item != nullptr ? read_head(item->document) : std::nullopt;
  return head ? std::optional<FoundHead>(FoundHead{std::move(*head), item->etag}) : std::nullopt;
}

}  // namespace

bool History::is_over(const Head& head) const noexcept {
  return clock_.wall_now() - head.changed > bounds_.age;
}

awaitable<bool> History::begin(std::string conversation, Head head, Deadline by) {
  head.changed = clock_.wall_now();
  const auto bytes = HistoryRoom::bytes_of(head);
  StoreChanges changes;
  changes.upserts.emplace_back(head_key(conversation), write_head(head), Expect::absent());
  const auto written = co_await storage_.write(std::move(changes), by);
  if (written) {
    room_.change(0, bytes);
  }
  co_return written.has_value();
}

awaitable<std::optional<FoundHead>> History::find(std::string conversation, Deadline by) {
  std::vector<std::string> one(1, conversation);
  auto found = co_await find_all(std::move(one), by);
  co_return std::move(found.front());
}

awaitable<std::vector<std::optional<FoundHead>>> History::find_all(std::vector<std::string> conversations,
                                                                   Deadline by) {
  std::vector<std::string> keys;
  keys.reserve(conversations.size());
  for (auto& conversation : conversations) {
    conversation = head_key(conversation);
    keys.push_back(conversation);
  }
  const auto items = co_await storage_.read(std::move(keys), by);
  std::vector<std::optional<FoundHead>> found;
  found.reserve(conversations.size());
  for (const auto& key : conversations) {
    auto one = found_in(items.find(key));
    if (one && is_over(one->head)) {
      one.reset();
    }
    found.push_back(std::move(one));
  }
  co_return found;
}

awaitable<std::optional<History::Appended>> History::append(std::string conversation, std::optional<FoundHead>& known,
                                                            std::vector<NewActivity> activities, Deadline by) {
  for (int tries = 0; tries < max_tries; ++tries) {
    auto base = std::exchange(known, std::nullopt);  // after an error nobody knows what is stored
    if (!base) {
      base = co_await find(conversation, by);
    }
    if (!base) {
      co_return std::nullopt;
    }
    auto plan = plan_append(conversation, base->head, base->etag, activities, bounds_, clock_.wall_now());
    if (plan.changes.empty()) {
      known = std::move(base);
      co_return Appended{{}, std::move(plan.seqs), std::move(plan.times)};
    }
    auto changes = std::move(plan.changes);
    const auto written = co_await storage_.write(std::move(changes), by);
    if (written) {
      room_.change(HistoryRoom::bytes_of(base->head), HistoryRoom::bytes_of(plan.head));
      known = FoundHead{std::move(plan.head), written->etags.back()};
      co_return Appended{std::move(plan.stored), std::move(plan.seqs), std::move(plan.times)};
    }
  }
  throw_error(errc::conflict, "Others write to this conversation of Direct Line all the time.");
}

awaitable<bool> History::end(std::string conversation, Deadline by) {
  for (int tries = 0; tries < max_tries; ++tries) {
    auto found = co_await find(conversation, by);
    if (!found || found->head.ended) {
      co_return found.has_value();
    }
    found->head.ended = true;
    StoreChanges changes;
    changes.upserts.emplace_back(head_key(conversation), write_head(found->head), Expect::etag(found->etag));
    changes.hints.push_back(hint_of(conversation));
    const auto written = co_await storage_.write(std::move(changes), by);
    if (written) {
      co_return true;
    }
  }
  throw_error(errc::conflict, "Others write to this conversation of Direct Line all the time.");
}

// Nobody knows how large they are, so few are asked for at once.
awaitable<History::Page> History::read(std::string conversation, std::uint64_t first, std::uint64_t last, Deadline by) {
  last = std::min(last, first + max_page - 1);
  Page page;
  std::size_t bytes = 0;
  for (auto next = first; next <= last && bytes < page_bytes;) {
    const auto begin = next;
    const auto end = std::min(last + 1, begin + read_at_once);
    std::vector<std::string> keys;
    for (auto seq = begin; seq < end; ++seq) {
      keys.push_back(activity_key(conversation, seq));
    }
    auto items = co_await storage_.read(std::move(keys), by);
    for (; next < end && bytes < page_bytes; ++next) {
      page.last = next;
      if (auto* item = items.find(activity_key(conversation, next))) {
        bytes += item->document.size();
        page.activities.push_back({next, std::make_shared<const std::string>(std::move(item->document))});
      }
    }
  }
  co_return page;
}

// The head goes last, so that a removal that was cut short is gone on with.
awaitable<void> History::remove(std::string conversation, FoundHead found, Deadline by) {
  for (auto seq = found.head.first; seq <= found.head.last;) {
    StoreChanges changes;
    for (; seq <= found.head.last && changes.removals.size() < removals_at_once; ++seq) {
      changes.removals.emplace_back(activity_key(conversation, seq));
    }
    (void)co_await storage_.write(std::move(changes), by);
  }
  StoreChanges last;
  last.removals.emplace_back(head_key(conversation), Expect::etag(found.etag));
  (void)co_await storage_.write(std::move(last), by);
}

awaitable<std::string> History::sweep(std::string after, Deadline by) {
  if (after.empty()) {
    room_.begin_count();
  }
  StoreScan scan{std::string(head_prefix), heads_in_page, std::move(after)};
  auto page = co_await storage_.scan(std::move(scan), by);
  for (const auto& item : page.items) {
    auto found = found_in(&item);
    if (found && is_over(found->head)) {
      auto conversation = item.key.substr(head_prefix.size());
      co_await remove(std::move(conversation), std::move(*found), by);
    } else if (found) {
      room_.count(HistoryRoom::bytes_of(found->head));
    }
  }
  if (page.next.empty()) {
    room_.end_count();
  }
  co_return std::move(page.next);
}

}  // namespace tern::direct_line

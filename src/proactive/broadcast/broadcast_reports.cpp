// How far a broadcast is, and how it is forgotten.
#include "proactive/broadcast/broadcaster.hpp"

#include "turn/keys.hpp"

#include <tern/schema/timestamp.hpp>

#include <limits>
#include <utility>

namespace tern::proactive {

namespace {

constexpr std::size_t outcomes_in_page = 1'000;
constexpr auto all_pages = std::numeric_limits<std::size_t>::max();

WallTime time_of(const std::string& text) {
  const auto read = Timestamp::parse(text);
  return read ? read->time() : WallTime();
}

}  // namespace

awaitable<RecipientOutcomes> Broadcaster::outcomes(std::string id, std::string after, std::size_t limit) const {
  RecipientOutcomes found;
  const auto campaign = co_await load(id);
  if (!campaign) {
    co_return found;
  }
  found.next = std::move(after);
  do {  // a page on which no outcome is known yet is not worth an answer
    StoreScan scan(detail::broadcast_outcomes_prefix(bot_id_, id, campaign->run), limit, std::move(found.next));
    const auto page = co_await store_.scan(std::move(scan), deadline());
    found.next = page.next;
    for (const auto& item : page.items) {
      auto record = RecipientRecord::parse(item);
      if (record.kind) {
        RecipientOutcome one;
        one.kind = *record.kind;
        one.user_id = std::move(record.user_id);
        one.conversation_id = std::move(record.conversation_id);
        one.reason = std::move(record.reason);
        one.at = record.at.value_or(WallTime());
        found.outcomes.push_back(std::move(one));
      }
    }
  } while (found.outcomes.empty() && !found.next.empty());
  co_return found;
}

awaitable<std::optional<BroadcastProgress>> Broadcaster::progress(std::string id) const {
  const auto campaign = co_await load(id);
  if (!campaign) {
    co_return std::nullopt;
  }
  BroadcastProgress progress;
  progress.state = campaign->state;
  progress.scheduled = campaign->scheduled;
  progress.skipped = campaign->skipped;
  progress.begun = time_of(campaign->begun);
  if (!campaign->all_taken.empty()) {
    progress.all_taken = time_of(campaign->all_taken);
  }
  RecipientOutcomes page;
  do {
    page = co_await outcomes(id, page.next, outcomes_in_page);
    for (const auto& one : page.outcomes) {
      auto& count = one.kind == RecipientOutcome::Kind::sent   ? progress.sent
                    : one.kind == RecipientOutcome::Kind::dead ? progress.dead
                                                               : progress.expired;
      ++count;
    }
  } while (!page.next.empty());
  co_return progress;
}

// A send that ends after its broadcast was forgotten would write its outcome once more.
awaitable<bool> Broadcaster::has_pending(const Campaign& campaign) const {
  StorePage page;
  do {
    StoreScan scan(detail::broadcast_outcomes_prefix(bot_id_, campaign.id, campaign.run), outcomes_in_page, page.next);
    page = co_await store_.scan(std::move(scan), deadline());
    for (const auto& item : page.items) {
      const auto record = RecipientRecord::parse(item);
      SendQuery query;
      query.handle = SendHandle::parse(record.send);
      query.limit = 1;
      if (record.kind || !query.handle) {
        continue;
      }
      const auto sends = co_await store_.list_sends(std::move(query), deadline());
      if (!sends.sends.empty()) {
        co_return true;
      }
    }
  } while (!page.next.empty());
  co_return false;
}

// Whether those were all.
awaitable<bool> Broadcaster::remove_pages(std::string prefix, std::size_t in_page, std::size_t most_pages) const {
  StorePage page;
  for (std::size_t i = 0; i < most_pages; ++i) {
    page = co_await store_.scan(StoreScan(prefix, in_page, page.next), deadline());
    StoreChanges changes;
    for (const auto& item : page.items) {
      changes.removals.emplace_back(item.key);
    }
    if (!changes.empty()) {
      (void)co_await store_.write(std::move(changes), deadline());
    }
    if (page.next.empty()) {
      co_return true;
    }
  }
  co_return false;
}

// Its own document goes last, so that what was interrupted can be done again.
awaitable<bool> Broadcaster::forget(std::string id) {
  const auto campaign = co_await load(id);
  if (!campaign || !campaign->is_over()) {
    co_return false;
  }
  const bool pending = co_await has_pending(*campaign);
  if (pending) {
    co_return false;
  }
  (void)co_await remove_pages(key_of(id) + "/outcomes/", outcomes_in_page, all_pages);
  (void)co_await remove_pages(key_of(id) + "/", lists_in_page, all_pages);
  StoreChanges changes;
  changes.removals.emplace_back(key_of(id), Expect::etag(campaign->etag));
  const auto written = co_await store_.write(std::move(changes), deadline());
  co_return written.has_value();  // otherwise another has forgotten it at the same moment
}

}  // namespace tern::proactive

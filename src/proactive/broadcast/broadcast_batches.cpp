// Whom a broadcast goes to next.
#include "proactive/broadcast/broadcaster.hpp"

#include "async/keyed_hash.hpp"
#include "proactive/references/gone_references.hpp"
#include "turn/annotations.hpp"
#include "turn/keys.hpp"
#include "turn/make_send.hpp"

#include <tern/schema/parse.hpp>

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace tern::proactive {

namespace {

constexpr int scans_in_step = 5;

bool is_reachable(const ConversationReference& reference) {
  return !reference.conversation_id().value_or("").empty() && !reference.service_url().value_or("").empty();
}

std::string tenant_of(const json::object& reference) {
  const auto* conversation = reference.if_contains("conversation");
  return conversation != nullptr && conversation->is_object() ? text_at(conversation->as_object(), "tenantId")
                                                              : std::string();
}

}  // namespace

awaitable<Broadcaster::Batch> Broadcaster::next_batch(const Campaign& campaign) const {
  return campaign.channel.empty() ? next_of_list(campaign) : next_of_channel(campaign);
}

awaitable<Broadcaster::Batch> Broadcaster::next_of_list(const Campaign& campaign) const {
  const auto page =
      co_await store_.scan(StoreScan(list_prefix(campaign.id, campaign.run), 1, campaign.cursor), deadline());
  Batch batch;
  batch.cursor = page.next;
  batch.last = page.next.empty();
  if (page.items.empty()) {
    co_return batch;
  }
  batch.used_up = page.items.front().key;
  std::vector<ConversationReference> found;
  auto parsed = parse_json(page.items.front().document);
  if (parsed && parsed->is_array()) {
    for (auto& one : parsed->as_array()) {
      found.emplace_back(std::move(one.as_object()));
    }
  }
  co_await add_new(campaign, std::move(found), batch);
  co_return batch;
}

awaitable<Broadcaster::Batch> Broadcaster::next_of_channel(const Campaign& campaign) const {
  Batch batch;
  batch.cursor = campaign.cursor;
  const auto wanted = std::min<std::size_t>(campaign.in_step(), 1'000);
  for (int i = 0; i < scans_in_step && batch.taken.size() < wanted && !batch.last; ++i) {
    // Whole pages, for a cursor stands between two of them.
    StoreScan scan(detail::references_prefix(bot_id_, campaign.channel), wanted - batch.taken.size(), batch.cursor);
    const auto page = co_await store_.scan(std::move(scan), deadline());
    std::vector<ConversationReference> found;
    for (const auto& item : page.items) {
      auto reference = parse_object(item.document);
      if (!reference || is_gone(*reference) || (campaign.tenant && tenant_of(*reference) != *campaign.tenant)) {
        ++batch.skipped;
        continue;
      }
      found.emplace_back(std::move(*reference));
      if (!is_reachable(found.back())) {
        found.pop_back();
        ++batch.skipped;
      }
    }
    batch.cursor = page.next;
    batch.last = page.next.empty();
    co_await add_new(campaign, std::move(found), batch);
  }
  co_return batch;
}

// A reference is of a user in a conversation, and many users may share one. Those whose conversation was taken before
// are skipped: by this batch, or by an earlier one, which has left the conversation's document.
awaitable<void> Broadcaster::add_new(const Campaign& campaign, std::vector<ConversationReference> found,
                                     Batch& batch) const {
  std::unordered_set<std::string, detail::KeyedHash> seen;
  for (const auto& one : batch.taken) {
    seen.insert(one.key);
  }
  std::vector<Batch::Taken> new_here;
  std::vector<std::string> keys;
  for (auto& reference : found) {
    auto key = detail::broadcast_outcome_key(bot_id_, campaign.id, campaign.run, reference.channel_id().value_or(""),
                                             reference.conversation_id().value_or(""));
    if (!seen.insert(key).second) {
      ++batch.skipped;
      continue;
    }
    keys.push_back(key);
    new_here.push_back({std::move(reference), std::move(key)});
  }
  if (keys.empty()) {
    co_return;
  }
  const auto items = co_await store_.read(std::move(keys), deadline());
  std::unordered_set<std::string, detail::KeyedHash> taken_before;
  for (const auto& item : items) {
    taken_before.insert(item.key);
  }
  for (auto& one : new_here) {
    if (taken_before.contains(one.key)) {
      ++batch.skipped;
    } else {
      batch.taken.push_back(std::move(one));
    }
  }
}

void Broadcaster::add_sends(const Campaign& campaign, const Batch& batch, WallTime now, StoreChanges& changes) const {
  detail::Annotations annotations;
  annotations.broadcast = campaign.mark();
  for (const auto& [reference, key] : batch.taken) {
    const auto due = now + static_cast<WallTime::rep>(changes.sends.size()) * campaign.apart();
    auto send = detail::make_activity_send(bot_id_, now, reference, due, Activity(json::object(campaign.activity)), {});
    send.annotations = annotations.to_string();
    RecipientRecord record;
    record.user_id = reference.user_id().value_or("");
    record.conversation_id = reference.conversation_id().value_or("");
    record.send = send.handle.to_string();
    changes.upserts.emplace_back(key, record.document(), Expect::absent());
    changes.sends.push_back(std::move(send));
  }
  if (!batch.used_up.empty()) {
    changes.removals.emplace_back(batch.used_up);
  }
}

}  // namespace tern::proactive

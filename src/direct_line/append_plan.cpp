#include "direct_line/append_plan.hpp"

#include "direct_line/digest.hpp"

#include <tern/schema/timestamp.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <utility>

namespace tern::direct_line {

namespace {

// So that a write has a bounded size, also after the bounds were lowered.
constexpr std::uint64_t max_removed_at_once = 100;
// The age of an activity, and the bytes before it, are known up to this part of the bounds.
constexpr int marks_in_bound = 16;

std::string padded(std::uint64_t number, std::size_t digits) {
  auto text = std::to_string(number);
  return text.size() >= digits ? text : std::string(digits - text.size(), '0') + text;
}

template <class Entries>
auto find_digest(Entries& entries, const std::string& digest) {
  return std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.digest == digest; });
}

std::uint64_t seq_of_known(const std::vector<Head::Key>& keys, const std::string& digest) {
  const auto found = find_digest(keys, digest);
  return found == keys.end() ? 0 : found->seq;
}

// Clients, the bot, and turns that stream have their own lists, so that no flood of messages makes the bot's sends
// forgotten.
void remember(Head& head, std::string digest, const NewActivity& activity) {
  if (activity.number_in_run != 0) {
    if (const auto before = find_digest(head.runs, digest); before != head.runs.end()) {
      head.runs.erase(before);
    }
    head.runs.push_back({std::move(digest), activity.number_in_run, head.last});
    if (head.runs.size() > Head::max_runs) {
      head.runs.erase(head.runs.begin());
    }
    return;
  }
  auto& keys = activity.is_posted ? head.posts : head.keys;
  keys.push_back({std::move(digest), head.last});
  if (keys.size() > (activity.is_posted ? Head::max_posts : Head::max_keys)) {
    keys.erase(keys.begin());
  }
}

// The number of the stored activity; 0 when the activity is new.
std::uint64_t seq_of_known(const Head& head, const NewActivity& activity, const std::string& digest) {
  if (digest.empty()) {
    return 0;
  }
  if (activity.number_in_run == 0) {
    return seq_of_known(activity.is_posted ? head.posts : head.keys, digest);
  }
  const auto run = find_digest(head.runs, digest);
  return run != head.runs.end() && activity.number_in_run <= run->number ? run->seq : 0;
}

// Before an activity is counted.
void mark(Head& head, std::size_t size, const HistoryBounds& bounds, WallTime now) {
  if (head.marks.empty() || now - head.marks.back().time >= bounds.age / marks_in_bound ||
      head.bytes + size - head.marks.back().bytes > bounds.bytes / marks_in_bound) {
    head.marks.push_back({head.last, now, head.bytes});
  }
}

// The activities before a mark are older than the mark. What is kept from a mark on is known to have so many bytes.
std::uint64_t first_within(const Head& head, const HistoryBounds& bounds, WallTime now) {
  std::uint64_t first = head.first;
  for (std::size_t i = 0; i < head.marks.size(); ++i) {
    const auto& each = head.marks[i];
    const bool has_too_much = each.seq < head.last && head.bytes - std::min(head.bytes, each.bytes) > bounds.bytes;
    const auto next = i + 1 < head.marks.size() ? head.marks[i + 1].seq : head.last;
    if (has_too_much) {
      first = std::max(first, next);
    }
    if (now - each.time > bounds.age) {
      first = std::max(first, each.seq);
    }
  }
  if (head.last >= first && head.last - first + 1 > bounds.count) {
    first = head.last - bounds.count + 1;
  }
  return first;
}

void forget_old(std::string_view conversation, AppendPlan& plan, const HistoryBounds& bounds, WallTime now) {
  Head& head = plan.head;
  auto first = first_within(head, bounds, now);
  first = std::min(first, head.first + max_removed_at_once);
  // What was never stored need not be removed.
  const auto first_new = plan.stored.empty() ? head.last + 1 : plan.stored.front().seq;
  first = std::min(first, first_new);
  for (auto seq = head.first; seq < first; ++seq) {
    plan.changes.removals.emplace_back(activity_key(conversation, seq));
  }
  head.first = first;
  // The last mark at or before the first activity is still needed to tell its age.
  while (head.marks.size() > 1 && head.marks[1].seq <= head.first) {
    head.marks.erase(head.marks.begin());
  }
}

std::string text_of(std::string_view conversation, json::object fields, std::uint64_t seq, const std::string& time) {
  fields.erase("serviceUrl");
  fields["conversation"] = json::object{{"id", conversation}};
  fields["id"] = activity_id(conversation, seq);
  fields["timestamp"] = time;
  return json::serialize(fields);
}

}  // namespace

std::string head_key(std::string_view conversation) {
  return std::string(head_prefix).append(conversation);
}

std::string hint_of(std::string_view conversation) {
  return std::string(hint_prefix).append(conversation);
}

std::string activity_key(std::string_view conversation, std::uint64_t seq) {
  constexpr std::size_t digits = 20;
  return std::string("direct-line/a/").append(conversation).append("/").append(padded(seq, digits));
}

std::string activity_id(std::string_view conversation, std::uint64_t seq) {
  constexpr std::size_t digits = 7;
  return std::string(conversation).append("|").append(padded(seq, digits));
}

bool is_known_post(const Head& head, const std::string& key) {
  return !key.empty() && seq_of_known(head.posts, short_digest(key)) != 0;
}

AppendPlan plan_append(std::string_view conversation, Head head, const std::string& etag,
                       const std::vector<NewActivity>& activities, const HistoryBounds& bounds, WallTime now) {
  AppendPlan plan;
  plan.head = std::move(head);
  // Clients sort by these times.
  auto time = std::max(now, plan.head.changed + std::chrono::milliseconds(1));
  for (const auto& activity : activities) {
    auto digest = activity.key.empty() ? std::string() : short_digest(activity.key);
    if (const auto known = seq_of_known(plan.head, activity, digest); known != 0) {
      plan.seqs.push_back(known);
      plan.times.emplace_back();
      continue;
    }
    if (plan.head.ended || activity.must_be_known) {
      plan.seqs.push_back(0);
      plan.times.emplace_back();
      continue;
    }
    const auto seq = ++plan.head.last;
    plan.seqs.push_back(seq);
    plan.times.push_back(Timestamp::utc(time).text());
    auto text = std::make_shared<const std::string>(text_of(conversation, activity.fields, seq, plan.times.back()));
    plan.changes.upserts.emplace_back(activity_key(conversation, seq), *text);
    plan.stored.push_back({seq, std::move(text)});
    plan.head.ended = plan.head.ended || activity.ends;
    if (!digest.empty()) {
      remember(plan.head, std::move(digest), activity);
    }
    mark(plan.head, plan.stored.back().text->size(), bounds, now);
    plan.head.bytes += plan.stored.back().text->size();
    plan.head.changed = time;
    time += std::chrono::milliseconds(1);
  }
  if (!plan.stored.empty()) {
    forget_old(conversation, plan, bounds, now);
    plan.changes.hints.push_back(hint_of(conversation));
    plan.changes.upserts.emplace_back(head_key(conversation), write_head(plan.head), Expect::etag(etag));
  }
  return plan;
}

}  // namespace tern::direct_line

#include "proactive/broadcaster.hpp"

#include "proactive/gone_references.hpp"
#include "turn/annotations.hpp"
#include "turn/keys.hpp"
#include "turn/make_send.hpp"

#include <tern/schema/parse.hpp>
#include <tern/schema/timestamp.hpp>

#include <boost/json/serialize.hpp>
#include <boost/uuid/uuid.hpp>
#include <boost/uuid/uuid_io.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace tern::proactive {

namespace {

constexpr std::chrono::seconds step_length{2};
constexpr std::uint32_t most_rate = 1'000;
constexpr std::size_t most_id = 64;
constexpr std::size_t lists_in_write = 50;
constexpr int scans_in_step = 5;
constexpr int most_tries = 8;
constexpr std::string_view step_begin = R"({"type":"tern.broadcast",)";
constexpr std::array state_names{"running", "paused", "cancelled", "done"};
constexpr std::array outcome_names{"sent", "dead", "expired"};

std::optional<json::object> parse_object(std::string_view text) {
  auto parsed = parse_json(text);
  if (!parsed || !parsed->is_object()) {
    return std::nullopt;
  }
  return std::move(parsed->as_object());
}

std::string text_at(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::uint64_t number_at(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_int64() ? static_cast<std::uint64_t>(value->as_int64()) : 0;
}

std::optional<WallTime> time_at(const json::object& object, std::string_view name) {
  const auto read = Timestamp::parse(text_at(object, name));
  return read ? std::optional(read->time()) : std::nullopt;
}

template <class Names>
std::size_t place_of(const Names& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? 0 : static_cast<std::size_t>(found - names.begin());
}

void check(const Recipients& recipients, const BroadcastOptions& options) {
  const auto is_fit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  if (options.id().size() > most_id || !std::all_of(options.id().begin(), options.id().end(), is_fit)) {
    throw_error(errc::invalid_argument,
                "BroadcastOptions::id takes 1 to 64 letters, digits, hyphens, underscores and full stops.");
  }
  if (options.rate() < 1 || options.rate() > most_rate) {
    throw_error(errc::invalid_argument, "BroadcastOptions::rate is 1 to 1000 sends a second.");
  }
  if (recipients.channel_id().empty() && recipients.references().empty()) {
    throw_error(errc::invalid_argument, "A broadcast needs recipients: a list that is not empty, or a channel.");
  }
  for (const auto& reference : recipients.references()) {
    detail::require_reachable(reference);
  }
}

std::string new_id() {
  boost::uuids::uuid id;
  const auto bytes = new_send_id();
  std::copy(bytes.begin(), bytes.end(), id.begin());
  return boost::uuids::to_string(id);
}

std::string numbered(std::size_t number) {
  auto digits = std::to_string(number);
  return std::string(10 - std::min<std::size_t>(10, digits.size()), '0') + digits;
}

bool is_reachable(const ConversationReference& reference) {
  return !reference.conversation_id().value_or("").empty() && !reference.service_url().value_or("").empty();
}

std::string tenant_of(const json::object& reference) {
  const auto* conversation = reference.if_contains("conversation");
  return conversation != nullptr && conversation->is_object() ? text_at(conversation->as_object(), "tenantId")
                                                              : std::string();
}

}  // namespace

/// The document of a broadcast.
struct Broadcaster::Campaign {
  std::string id;
  std::string etag;
  BroadcastState state = BroadcastState::running;
  json::object activity;
  std::string channel;  // "" for a list
  std::string list;     // names this list among those that a `begin` with this id may have left behind
  std::optional<std::string> tenant;
  std::uint64_t rate = 1;
  std::string cursor;
  std::uint64_t step = 0;  // an older step finds another number here, and ends
  std::uint64_t scheduled = 0;
  std::uint64_t skipped = 0;
  WallTime taken_until{};  // the last of those that were taken is due then
  std::string begun;
  std::string all_taken;

  std::size_t in_step() const noexcept { return static_cast<std::size_t>(rate) * step_length.count(); }

  static Campaign parse(std::string id, const StoreItem& item) {
    const auto fields = parse_object(item.document).value_or(json::object());
    Campaign read;
    read.id = std::move(id);
    read.etag = item.etag;
    read.state = static_cast<BroadcastState>(place_of(state_names, text_at(fields, "state")));
    if (const auto* activity = fields.if_contains("activity"); activity != nullptr && activity->is_object()) {
      read.activity = activity->as_object();
    }
    read.channel = text_at(fields, "channel");
    read.list = text_at(fields, "list");
    read.tenant = fields.contains("tenant") ? std::optional(text_at(fields, "tenant")) : std::nullopt;
    read.rate = std::clamp<std::uint64_t>(number_at(fields, "rate"), 1, most_rate);
    read.cursor = text_at(fields, "cursor");
    read.step = number_at(fields, "step");
    read.scheduled = number_at(fields, "scheduled");
    read.skipped = number_at(fields, "skipped");
    read.taken_until = time_at(fields, "takenUntil").value_or(WallTime());
    read.begun = text_at(fields, "begun");
    read.all_taken = text_at(fields, "allTaken");
    return read;
  }

  std::string document() const {
    json::object fields{{"state", state_names[static_cast<std::size_t>(state)]},
                        {"activity", activity},
                        {"channel", channel},
                        {"list", list},
                        {"rate", static_cast<std::int64_t>(rate)},
                        {"cursor", cursor},
                        {"step", static_cast<std::int64_t>(step)},
                        {"scheduled", static_cast<std::int64_t>(scheduled)},
                        {"skipped", static_cast<std::int64_t>(skipped)},
                        {"takenUntil", Timestamp::utc(taken_until).text()},
                        {"begun", begun},
                        {"allTaken", all_taken}};
    if (tenant) {
      fields["tenant"] = *tenant;
    }
    return json::serialize(fields);
  }
};

/// The next recipients.
struct Broadcaster::Batch {
  std::vector<ConversationReference> references;
  std::uint64_t skipped = 0;
  std::string cursor;
  bool last = false;
};

Broadcaster::Broadcaster(AnyStorage store, Clock& clock, std::string bot_id, std::chrono::milliseconds storage_timeout,
                         Told told)
    : store_(std::move(store)),
      clock_(clock),
      bot_id_(std::move(bot_id)),
      storage_timeout_(storage_timeout),
      told_(std::move(told)) {}

std::string Broadcaster::key_of(const std::string& id) const {
  return detail::broadcast_key(bot_id_, id);
}

std::string Broadcaster::list_prefix(const Campaign& campaign) const {
  return key_of(campaign.id) + "/list/" + campaign.list + "/";
}

Deadline Broadcaster::deadline() const noexcept {
  return Deadline::after(storage_timeout_, clock_);
}

awaitable<std::optional<Broadcaster::Campaign>> Broadcaster::load(std::string id) const {
  const auto key = key_of(id);
  std::vector<std::string> keys{key};
  const auto items = co_await store_.read(std::move(keys), deadline());
  const auto* item = items.find(key);
  if (item == nullptr) {
    co_return std::nullopt;
  }
  co_return Campaign::parse(std::move(id), *item);
}

// A document for each step.
awaitable<void> Broadcaster::write_list(std::string prefix, std::vector<ConversationReference> references,
                                        std::size_t in_step) const {
  StoreChanges changes;
  for (std::size_t begin = 0; begin < references.size(); begin += in_step) {
    json::array some;
    for (std::size_t i = begin; i < std::min(references.size(), begin + in_step); ++i) {
      some.emplace_back(references[i].without_activity().json());
    }
    changes.upserts.emplace_back(prefix + numbered(begin / in_step), json::serialize(some));
    if (changes.upserts.size() == lists_in_write || begin + in_step >= references.size()) {
      (void)co_await store_.write(std::exchange(changes, {}), deadline());
    }
  }
}

ScheduledSend Broadcaster::step_send(const Campaign& campaign) const {
  ScheduledSend send;
  send.order_key = "broadcast/" + campaign.id;
  const auto due = std::max(clock_.wall_now(), campaign.taken_until);
  send.handle = {slot_of(send.order_key), std::chrono::ceil<std::chrono::microseconds>(due), new_send_id()};
  send.payload =
      std::string(step_begin) + R"("id":")" + campaign.id + R"(","step":)" + std::to_string(campaign.step) + "}";
  return send;
}

awaitable<std::string> Broadcaster::begin(Recipients recipients, Activity activity, BroadcastOptions options) {
  check(recipients, options);
  if (activity.type().empty()) {
    throw_error(errc::invalid_argument, "An activity without a type cannot be sent. Use Activity::message(...).");
  }
  Campaign campaign;
  campaign.id = options.id().empty() ? new_id() : options.id();
  campaign.activity = std::move(activity).json();
  campaign.channel = recipients.channel_id();
  campaign.tenant = recipients.tenant_id();
  campaign.rate = options.rate();
  campaign.begun = Timestamp::utc(clock_.wall_now()).text();
  if (!options.id().empty()) {
    const auto before = co_await load(campaign.id);
    if (before) {
      co_return campaign.id;
    }
  }
  if (campaign.channel.empty()) {
    campaign.list = new_id();
    co_await write_list(list_prefix(campaign), recipients.references(), campaign.in_step());
  }
  StoreChanges changes;
  changes.upserts.emplace_back(key_of(campaign.id), campaign.document(), Expect::absent());
  changes.sends.push_back(step_send(campaign));
  const auto sends = changes.sends;
  const auto written = co_await store_.write(std::move(changes), deadline());
  if (written.has_value()) {  // otherwise another has begun it at the same moment
    told_(sends, written->seqs);
  }
  co_return campaign.id;
}

awaitable<Broadcaster::Batch> Broadcaster::next_of_list(const Campaign& campaign) const {
  const auto page = co_await store_.scan(StoreScan(list_prefix(campaign), 1, campaign.cursor), deadline());
  Batch batch;
  batch.cursor = page.next;
  batch.last = page.next.empty();
  if (page.items.empty()) {
    co_return batch;
  }
  auto parsed = parse_json(page.items.front().document);
  if (parsed && parsed->is_array()) {
    for (auto& one : parsed->as_array()) {
      batch.references.emplace_back(std::move(one.as_object()));
    }
  }
  co_return batch;
}

awaitable<Broadcaster::Batch> Broadcaster::next_of_channel(const Campaign& campaign) const {
  Batch batch;
  batch.cursor = campaign.cursor;
  const auto wanted = std::min<std::size_t>(campaign.in_step(), 1'000);
  for (int i = 0; i < scans_in_step && batch.references.size() < wanted && !batch.last; ++i) {
    // Whole pages, for a cursor stands between two of them.
    StoreScan scan(detail::references_prefix(bot_id_, campaign.channel), wanted - batch.references.size(),
                   batch.cursor);
    const auto page = co_await store_.scan(std::move(scan), deadline());
    for (const auto& item : page.items) {
      auto reference = parse_object(item.document);
      if (!reference || is_gone(*reference) || (campaign.tenant && tenant_of(*reference) != *campaign.tenant)) {
        ++batch.skipped;
        continue;
      }
      ConversationReference found(std::move(*reference));
      if (is_reachable(found)) {
        batch.references.push_back(std::move(found));
      } else {
        ++batch.skipped;
      }
    }
    batch.cursor = page.next;
    batch.last = page.next.empty();
  }
  co_return batch;
}

awaitable<Broadcaster::Batch> Broadcaster::next_batch(const Campaign& campaign) const {
  return campaign.channel.empty() ? next_of_list(campaign) : next_of_channel(campaign);
}

std::vector<ScheduledSend> Broadcaster::sends_of(const Campaign& campaign, const Batch& batch, WallTime now) const {
  std::vector<ScheduledSend> sends;
  const auto apart = WallTime::duration(std::chrono::seconds(1)) / campaign.rate;
  for (const auto& reference : batch.references) {
    const auto due = now + static_cast<WallTime::rep>(sends.size()) * apart;
    auto send = detail::make_activity_send(bot_id_, now, reference, due, Activity(json::object(campaign.activity)), {});
    detail::Annotations annotations;
    annotations.broadcast = campaign.id;
    send.annotations = annotations.to_string();
    sends.push_back(std::move(send));
  }
  return sends;
}

bool Broadcaster::is_step(const ScheduledSend& send) noexcept {
  return send.kind == SendKind::activity && send.payload.starts_with(step_begin);
}

awaitable<std::optional<WallTime>> Broadcaster::step(ScheduledSend send) {
  const auto payload = parse_object(send.payload).value_or(json::object());
  auto campaign = co_await load(text_at(payload, "id"));
  if (!campaign || campaign->state != BroadcastState::running || campaign->step != number_at(payload, "step")) {
    co_return std::nullopt;
  }
  const auto now = clock_.wall_now();
  if (now < campaign->taken_until) {
    co_return campaign->taken_until;  // it ran already, and the process ended before that was written
  }
  const auto batch = co_await next_batch(*campaign);
  StoreChanges changes;
  changes.sends = sends_of(*campaign, batch, now);
  campaign->scheduled += batch.references.size();
  campaign->skipped += batch.skipped;
  campaign->cursor = batch.cursor;
  const auto apart = WallTime::duration(std::chrono::seconds(1)) / campaign->rate;
  campaign->taken_until = now + std::max<WallTime::duration>(std::chrono::milliseconds(10),
                                                             static_cast<WallTime::rep>(changes.sends.size()) * apart);
  if (batch.last) {
    campaign->state = BroadcastState::done;
    campaign->all_taken = Timestamp::utc(now).text();
  }
  changes.upserts.emplace_back(key_of(campaign->id), campaign->document(), Expect::etag(campaign->etag));
  const auto sends = changes.sends;
  const auto written = co_await store_.write(std::move(changes), deadline());
  if (!written.has_value()) {
    co_return now + std::chrono::milliseconds(100);  // it was paused at this moment, or cancelled: it looks again
  }
  told_(sends, written->seqs);
  if (batch.last) {
    co_return std::nullopt;
  }
  co_return campaign->taken_until;
}

awaitable<bool> Broadcaster::change(std::string id, BroadcastState to) {
  for (int i = 0; i < most_tries; ++i) {
    auto campaign = co_await load(id);
    if (!campaign || campaign->state == BroadcastState::done || campaign->state == BroadcastState::cancelled) {
      co_return false;
    }
    if (campaign->state == to) {
      co_return true;
    }
    campaign->state = to;
    StoreChanges changes;
    if (to == BroadcastState::running) {
      ++campaign->step;
      changes.sends.push_back(step_send(*campaign));
    }
    if (to == BroadcastState::cancelled) {
      campaign->all_taken = Timestamp::utc(clock_.wall_now()).text();
    }
    changes.upserts.emplace_back(key_of(id), campaign->document(), Expect::etag(campaign->etag));
    const auto sends = changes.sends;
    const auto written = co_await store_.write(std::move(changes), deadline());
    if (written.has_value()) {
      told_(sends, written->seqs);
      co_return true;
    }
  }
  throw_error(errc::conflict, "The broadcast is changed by others all the time; try it again.");
}

std::optional<StoreUpsert> Broadcaster::note_of(const ScheduledSend& send, const SendOutcome& outcome) const {
  if (send.annotations.empty() || outcome.kind == SendOutcome::Kind::retry ||
      outcome.kind == SendOutcome::Kind::begin) {
    return std::nullopt;
  }
  const auto id = detail::Annotations::broadcast_of(send.annotations);
  if (id.empty()) {
    return std::nullopt;
  }
  const ConversationReference reference(parse_object(send.reference).value_or(json::object()));
  const std::string user(reference.user_id().value_or(""));
  const std::string conversation(reference.conversation_id().value_or(""));
  const auto kind = outcome.kind == SendOutcome::Kind::sent   ? RecipientOutcome::Kind::sent
                    : outcome.kind == SendOutcome::Kind::dead ? RecipientOutcome::Kind::dead
                                                              : RecipientOutcome::Kind::expired;
  const json::object fields{{"outcome", outcome_names[static_cast<std::size_t>(kind)]},
                            {"user", user},
                            {"conversation", conversation},
                            {"reason", outcome.reason},
                            {"at", Timestamp::utc(clock_.wall_now()).text()}};
  const std::string channel(reference.channel_id().value_or(""));
  return StoreUpsert(detail::broadcast_outcome_key(bot_id_, id, channel, user, conversation), json::serialize(fields));
}

awaitable<RecipientOutcomes> Broadcaster::outcomes(std::string id, std::string after, std::size_t limit) const {
  const auto page = co_await store_.scan(StoreScan(key_of(id) + "/outcomes/", limit, std::move(after)), deadline());
  RecipientOutcomes found;
  found.next = page.next;
  for (const auto& item : page.items) {
    const auto fields = parse_object(item.document).value_or(json::object());
    RecipientOutcome one;
    one.kind = static_cast<RecipientOutcome::Kind>(place_of(outcome_names, text_at(fields, "outcome")));
    one.user_id = text_at(fields, "user");
    one.conversation_id = text_at(fields, "conversation");
    one.reason = text_at(fields, "reason");
    one.at = time_at(fields, "at").value_or(WallTime());
    found.outcomes.push_back(std::move(one));
  }
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
  progress.begun = Timestamp::parse(campaign->begun).value_or(Timestamp::utc(WallTime())).time();
  if (!campaign->all_taken.empty()) {
    progress.all_taken = Timestamp::parse(campaign->all_taken).value_or(Timestamp::utc(WallTime())).time();
  }
  RecipientOutcomes page;
  do {
    page = co_await outcomes(id, page.next, 1'000);
    for (const auto& one : page.outcomes) {
      auto& count = one.kind == RecipientOutcome::Kind::sent   ? progress.sent
                    : one.kind == RecipientOutcome::Kind::dead ? progress.dead
                                                               : progress.expired;
      ++count;
    }
  } while (!page.next.empty());
  co_return progress;
}

}  // namespace tern::proactive

#include "proactive/broadcast/broadcaster.hpp"

#include "turn/annotations.hpp"
#include "turn/keys.hpp"
#include "turn/make_send.hpp"

#include <tern/schema/timestamp.hpp>

#include <boost/json/serialize.hpp>
#include <boost/uuid/uuid.hpp>
#include <boost/uuid/uuid_io.hpp>

#include <algorithm>
#include <utility>

namespace tern::proactive {

namespace {

constexpr std::size_t most_id = 64;
constexpr int most_tries = 8;
constexpr std::string_view step_type = "tern.broadcast";
constexpr std::string_view step_begin = R"({"type":"tern.broadcast",)";

void check(const Recipients& recipients, const BroadcastOptions& options) {
  const auto is_fit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  if (options.given_id().size() > most_id ||
      !std::all_of(options.given_id().begin(), options.given_id().end(), is_fit)) {
    throw_error(errc::invalid_argument,
                "BroadcastOptions::id takes 1 to 64 letters, digits, hyphens, underscores and full stops.");
  }
  if (options.sends_a_second() < 1 || options.sends_a_second() > most_broadcast_rate) {
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

}  // namespace

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

Deadline Broadcaster::deadline() const noexcept {
  return Deadline::after(storage_timeout_, clock_);
}

awaitable<std::optional<Campaign>> Broadcaster::load(std::string id) const {
  const auto key = key_of(id);
  std::vector<std::string> keys{key};
  const auto items = co_await store_.read(std::move(keys), deadline());
  const auto* item = items.find(key);
  if (item == nullptr) {
    co_return std::nullopt;
  }
  co_return Campaign::parse(std::move(id), *item);
}

// A send that goes to no channel.
ScheduledSend Broadcaster::own_send(const std::string& id, WallTime due, json::object what) const {
  json::object payload{{"type", step_type}, {"id", id}};
  payload.insert(what.begin(), what.end());
  ScheduledSend send;
  send.order_key = "broadcast/" + id;
  send.handle = {slot_of(send.order_key), std::chrono::ceil<std::chrono::microseconds>(due), new_send_id()};
  send.payload = json::serialize(payload);
  return send;
}

ScheduledSend Broadcaster::step_send(const Campaign& campaign) const {
  return own_send(campaign.id, std::max(clock_.wall_now(), campaign.taken_until),
                  {{"run", campaign.run}, {"step", campaign.step}});
}

awaitable<std::string> Broadcaster::begin(Recipients recipients, Activity activity, BroadcastOptions options) {
  check(recipients, options);
  if (activity.type().empty()) {
    throw_error(errc::invalid_argument, "An activity without a type cannot be sent. Use Activity::message(...).");
  }
  Campaign campaign;
  campaign.id = options.given_id().empty() ? new_id() : options.given_id();
  campaign.run = new_id();
  campaign.activity = std::move(activity).json();
  campaign.channel = recipients.channel_id();
  campaign.tenant = recipients.tenant_id();
  campaign.rate = options.sends_a_second();
  campaign.begun = Timestamp::utc(clock_.wall_now()).text();
  if (!options.given_id().empty()) {
    const auto before = co_await load(campaign.id);
    if (before) {
      co_return campaign.id;
    }
  }
  StoreChanges changes;
  if (campaign.channel.empty()) {
    auto list = co_await write_list(campaign.id, campaign.run, recipients.references(), campaign.in_step());
    changes.removals.emplace_back(open_list_key(campaign.id, campaign.run), Expect::etag(std::move(list.mark_etag)));
    changes.edits.emplace_back(SendEdit::Kind::cancel, list.sweep);
  }
  changes.upserts.emplace_back(key_of(campaign.id), campaign.document(), Expect::absent());
  changes.sends.push_back(step_send(campaign));
  const auto sends = changes.sends;
  const auto written = co_await store_.write(std::move(changes), deadline());
  if (written.has_value()) {
    told_(sends, written->seqs);
    co_return campaign.id;
  }
  // Another has begun it at the same moment, and this list is swept. Or it was swept already.
  const auto other = co_await load(campaign.id);
  if (!other) {
    throw_error(errc::conflict, "The broadcast was not begun: its list took more than an hour to write. Try it again.");
  }
  co_return campaign.id;
}

bool Broadcaster::is_step(const ScheduledSend& send) noexcept {
  return send.kind == SendKind::activity && send.payload.starts_with(step_begin);
}

std::string Broadcaster::id_of(const ScheduledSend& send) {
  if (is_step(send)) {
    return text_at(parse_object(send.payload).value_or(json::object()), "id");
  }
  return Campaign::of_mark(detail::Annotations::broadcast_of(send.annotations)).id;
}

awaitable<std::optional<WallTime>> Broadcaster::step(ScheduledSend send) {
  const auto payload = parse_object(send.payload).value_or(json::object());
  if (payload.contains("list")) {
    co_return co_await sweep_list(text_at(payload, "id"), text_at(payload, "list"));
  }
  auto campaign = co_await load(text_at(payload, "id"));
  if (!campaign || campaign->state != BroadcastState::running || campaign->step != number_at(payload, "step") ||
      (payload.contains("run") && campaign->run != text_at(payload, "run"))) {
    co_return std::nullopt;
  }
  const auto now = clock_.wall_now();
  if (now < campaign->taken_until) {
    co_return campaign->taken_until;  // it ran already, and the process ended before that was written
  }
  const auto batch = co_await next_batch(*campaign);
  StoreChanges changes;
  add_sends(*campaign, batch, now, changes);
  campaign->scheduled += batch.taken.size();
  campaign->skipped += batch.skipped;
  campaign->cursor = batch.cursor;
  campaign->taken_until =
      now + std::max<WallTime::duration>(std::chrono::milliseconds(10),
                                         static_cast<WallTime::rep>(batch.taken.size()) * campaign->apart());
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
    if (!campaign || campaign->is_over()) {
      co_return false;
    }
    // A running broadcast gets a new step in place of the old one, which may have been cancelled as a send.
    if (campaign->state == to && to != BroadcastState::running) {
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
  const auto [id, run] = Campaign::of_mark(detail::Annotations::broadcast_of(send.annotations));
  if (id.empty()) {
    return std::nullopt;
  }
  const ConversationReference reference(parse_object(send.reference).value_or(json::object()));
  RecipientRecord record;
  record.kind = outcome.kind == SendOutcome::Kind::sent   ? RecipientOutcome::Kind::sent
                : outcome.kind == SendOutcome::Kind::dead ? RecipientOutcome::Kind::dead
                                                          : RecipientOutcome::Kind::expired;
  record.user_id = reference.user_id().value_or("");
  record.conversation_id = reference.conversation_id().value_or("");
  record.reason = outcome.reason;
  record.at = clock_.wall_now();
  return StoreUpsert(detail::broadcast_outcome_key(bot_id_, id, run, reference.channel_id().value_or(""),
                                                   reference.conversation_id().value_or("")),
                     record.document());
}

}  // namespace tern::proactive

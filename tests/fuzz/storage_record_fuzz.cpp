// Whatever bytes a store holds, and whatever text names something in it: they are read as they were written, or
// refused.

#include "fuzz/require.hpp"
#include "proactive/broadcast/broadcast_campaign.hpp"
#include "proactive/references/reference_ids.hpp"
#include "record.hpp"
#include "schedule_record.hpp"
#include "schema/utf8.hpp"
#include "storage/storable_text.hpp"
#include "storage/validate.hpp"
#include "turn/annotations.hpp"
#include "turn/conversation_kind.hpp"
#include "turn/keys.hpp"

#include <tern/schema/parse.hpp>
#include <tern/storage/types.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace {

using namespace tern;  // everything below is Tern's
using detail::Annotations;
using detail::SendPlace;
using fuzz::require;
using proactive::Campaign;
using proactive::RecipientRecord;
using proactive::ReferenceIds;
namespace rocks = tern::detail::rocks;

// Each record is read with the place that its key would give it.
const rocks::Place place{WallTime(std::chrono::hours(490'000)), 7};

// ---- Records and keys of RocksDB ----

void read_document(std::string_view bytes) {
  if (const auto record = rocks::decode_record({bytes.data(), bytes.size()})) {
    const auto header = rocks::record_header(record->etag);
    require(std::string(header.begin(), header.end()).append(record->document) == bytes, "a document is as written");
    require(rocks::etag_number(rocks::etag_text(record->etag)) == record->etag, "an eTag has one text");
  }
  if (const auto number = rocks::etag_number(bytes); number != 0) {
    require(rocks::etag_text(number) == bytes, "an eTag has no other text");
  }
  if (const auto number = rocks::decode_number(bytes)) {
    require(rocks::encode_number(*number) == bytes, "a number is as written");
  }
}

// All that a store keeps of a send.
auto kept(const ScheduledSend& send) {
  return std::tie(send.handle, send.seq, send.generation, send.attempt, send.kind, send.order_key, send.reference,
                  send.payload, send.idempotency_key, send.client_request_id, send.cancel_on_reply, send.annotations,
                  send.not_before, send.expires, send.begun, send.at_most_once);
}

auto kept(const DueEntry& entry) {
  return std::tie(entry.due, entry.seq, entry.order_hash, entry.id, entry.generation, entry.slot, entry.attempt,
                  entry.epoch);
}

void require_named(const SendHandle& handle) {
  require(SendHandle::parse(handle.to_string()) == handle, "what is stored has a handle that can be given back");
}

void read_send(std::string_view bytes) {
  const auto waiting = rocks::decode_waiting(bytes, place);
  const auto send = rocks::decode_send(bytes, place);
  if (!send) {
    return;
  }
  require_named(send->handle);
  require(waiting && kept(waiting->entry) == kept(rocks::entry_of(*send, place)), "the entry is that of the send");
  require(waiting->is_retry == rocks::is_retry(*send, place), "both readers know a retry");
  const auto written = rocks::encode_send(*send);
  require(written.size() == bytes.size(), "nothing of a send is left out");
  const auto again = rocks::decode_send(written, place);
  require(again && kept(*again) == kept(*send), "a send is as written");
}

void read_dead(std::string_view bytes) {
  const auto dead = rocks::decode_dead(bytes);
  if (!dead) {
    return;
  }
  require_named(dead->send.handle);
  const auto written = rocks::encode_dead(*dead);
  require(written.size() == bytes.size(), "nothing of a dead send is left out");
  const auto again = rocks::decode_dead(written);
  require(again && again->died == dead->died && again->reason == dead->reason && kept(again->send) == kept(dead->send),
          "a dead send is as written");
}

void read_kept_key(std::string_view bytes) {
  const auto first = rocks::decode_first(bytes);
  if (!first) {
    return;
  }
  require_named(first->key.handle);
  const auto again = rocks::decode_first(rocks::encode_first(*first));
  require(again && again->came == first->came && again->key.handle == first->key.handle &&
              again->key.digest == first->key.digest,
          "a kept key is as written");
}

void read_keys(std::string_view bytes) {
  if (const auto found = rocks::place_of_due_key(bytes)) {
    require(rocks::due_key(static_cast<unsigned char>(bytes.front()), *found) == bytes,
            "the key of a send is as written");
  }
  if (const auto location = rocks::decode_location(bytes)) {
    require(rocks::encode_location(*location) == bytes, "a location is as written");
    require(location->slot < slot_count, "a location is in a slot that exists");
  }
  if (const auto number = rocks::number_of_dead_key(bytes)) {
    require(rocks::dead_key(*number) == bytes, "the key of a dead send is as written");
  }
  const auto left = rocks::decode_place(bytes.substr(0, bytes.size() / 2));
  const auto right = rocks::decode_place(bytes.substr(bytes.size() / 2));
  if (left && right) {
    require((*left < *right) == (rocks::encode_place(*left) < rocks::encode_place(*right)),
            "the bytes of places are in their order");
    require(rocks::encode_place(*left) + rocks::encode_place(*right) == bytes, "a place is as written");
  }
}

// ---- Names that a bot or a tool gives back ----

void read_handle(std::string_view text) {
  if (const auto handle = SendHandle::parse(text)) {
    require(handle->to_string() == text, "a handle has one text");
    require(handle->slot < slot_count, "a handle is in a slot that exists");
  }
}

template <class Read>
auto unless_refused(Read read) -> std::optional<decltype(read())> {
  try {
    return read();
  } catch (const boost::system::system_error& error) {
    require(error.code() == errc::invalid_argument, "what is no end of a page is an invalid argument");
    return std::nullopt;
  }
}

void read_page_end(std::string_view text) {
  if (const auto end = unless_refused([text] { return SendPlace::parse(text); })) {
    const auto again = SendPlace::parse(end->to_string());
    require(again.due == end->due && again.seq == end->seq, "the end of a page is where it was");
  }
  if (const auto number = unless_refused([text] { return detail::place_of_page(text); })) {
    require(detail::place_of_page(std::to_string(*number)) == *number, "the number of a page is what it was");
  }
}

// ---- JSON that is kept with sends, and in documents ----

std::string_view text_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

std::string_view id_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_object() ? text_in(value->get_object(), "id") : std::string_view();
}

// The quick reader finds what the whole one finds.
void require_ids(const ReferenceIds& ids, const json::object& reference) {
  const auto* value = reference.if_contains("conversation");
  const auto conversation = value != nullptr && value->is_object() ? value->get_object() : json::object();
  require(ids.channel() == text_in(reference, "channelId"), "a channel is read");
  require(ids.service_url() == text_in(reference, "serviceUrl"), "a URL is read");
  require(ids.bot() == id_in(reference, "bot"), "a bot is read");
  require(ids.user() == id_in(reference, "user"), "a user is read");
  require(ids.conversation() == text_in(conversation, "id"), "a conversation is read");
  require(ids.tenant() == text_in(conversation, "tenantId"), "a tenant is read");
  require(ids.is_personal() == detail::is_personal(conversation), "a kind of conversation is read");
}

void read_reference(std::string_view text) {
  const auto ids = ReferenceIds::parse(text);
  const auto whole = parse_json(text);
  const auto* reference = whole ? whole->if_object() : nullptr;
  if (reference == nullptr) {
    return;
  }
  if (ids) {
    require_ids(*ids, *reference);
  }
  // References are stored as Tern writes them: then the quick reader knows them all.
  const auto stored = ReferenceIds::parse(json::serialize(*reference));
  require(stored.has_value(), "a stored reference is read");
  require_ids(*stored, *reference);
}

void read_annotations(std::string_view text) {
  const auto read = Annotations::parse(std::string(text));
  const auto written = read.to_string();
  const auto again = Annotations::parse(written);
  const auto hours = [](const Annotations& of) {
    return of.quiet ? std::optional(std::pair(of.quiet->from(), of.quiet->to())) : std::nullopt;
  };
  require(std::tie(again.broadcast, again.trace, again.strict, again.every) ==
              std::tie(read.broadcast, read.trace, read.strict, read.every),
          "annotations are as written");
  require(hours(again) == hours(read), "quiet hours are as written");
  const bool has_times = read.every || read.quiet;
  require(!has_times || again.time_zone == read.time_zone, "a time zone is as written");
  require(Annotations::broadcast_of(written) == read.broadcast, "the mark of a broadcast is found");
  require(Annotations::trace_of(written) == read.trace, "a trace is found");
  require(Annotations::is_strict(written) == read.strict, "strictness is found");
  require(Annotations::may_have_times(written) || !has_times, "times are not overlooked");
  const auto now = place.due + std::chrono::minutes(text.size() * 97);
  require(read.awake(now) >= now, "quiet hours end later");
  if (const auto next = read.next(place.due, now)) {
    require(*next > now, "a recurrence goes on");
  }
}

// Documents have times in whole milliseconds.
std::optional<std::chrono::sys_time<std::chrono::milliseconds>> stored_time(std::optional<WallTime> time) {
  return time ? std::optional(std::chrono::floor<std::chrono::milliseconds>(*time)) : std::nullopt;
}

void read_broadcast(std::string_view text) {
  const auto read = Campaign::parse("id", StoreItem("key", std::string(text), "1"));
  const auto again = Campaign::parse("id", StoreItem("key", read.document(), "1"));
  require(std::tie(again.run, again.state, again.activity, again.channel, again.tenant, again.rate, again.cursor) ==
              std::tie(read.run, read.state, read.activity, read.channel, read.tenant, read.rate, read.cursor),
          "a broadcast is as written");
  require(std::tie(again.step, again.scheduled, again.skipped, again.begun, again.all_taken) ==
              std::tie(read.step, read.scheduled, read.skipped, read.begun, read.all_taken),
          "the progress of a broadcast is as written");
  require(stored_time(again.taken_until) == stored_time(read.taken_until), "the time of a broadcast is as written");
  require(read.rate >= 1 && read.rate <= proactive::most_broadcast_rate, "a rate is within its bounds");
  const auto named = Campaign::of_mark(read.mark());
  require(named.id == read.id && named.run == read.run, "a broadcast is found by its mark");
}

void read_recipient(std::string_view text) {
  const auto read = RecipientRecord::parse(StoreItem("key", std::string(text), "1"));
  const auto again = RecipientRecord::parse(StoreItem("key", read.document(), "1"));
  require(std::tie(again.kind, again.user_id, again.conversation_id, again.send) ==
              std::tie(read.kind, read.user_id, read.conversation_id, read.send),
          "a recipient is as written");
  require(!read.kind || again.reason == read.reason, "the reason of an outcome is as written");
  require(stored_time(again.at) == stored_time(read.at), "the time of an outcome is as written");
}

// ---- Keys of documents ----

std::string decoded_part(std::string_view part) {
  const auto digit = [](char hex) { return hex <= '9' ? hex - '0' : hex - 'A' + 10; };
  std::string text;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] == '%') {
      text += static_cast<char>(digit(part.at(i + 1)) << 4 | digit(part.at(i + 2)));
      i += 2;
    } else {
      text += part[i];
    }
  }
  return text;
}

void make_key(std::string_view bytes) {
  const auto part = key_part(bytes);
  require(part.find('/') == std::string::npos && decoded_part(part) == bytes, "a part of a key stands for its text");
  // Around the length at which keys are cut.
  const std::size_t more = bytes.empty() ? 0 : static_cast<unsigned char>(bytes.front()) * 5U;
  const auto key = std::string(bytes) + std::string(more, 'k');
  const auto bounded = bounded_key(key);
  require(bounded.size() <= max_key_bytes, "a key is within its bound");
  require(bounded != bounded_key(key + "k") && bounded != bounded_key("k" + key), "different keys stay different");
  require(bounded == key || bounded_key(bounded) != bounded, "nobody can name the document of a cut key");
}

void make_conversation_keys(std::string_view bytes) {
  if (bytes.size() < 3) {
    return;
  }
  const auto text = bytes.substr(2);
  const auto cut = [text](char where) { return static_cast<unsigned char>(where) % (text.size() + 1); };
  const auto key_with_cut = [text](std::size_t at) {
    return std::array{detail::conversation_state_key("bot", text.substr(0, at), text.substr(at)),
                      detail::user_state_key("bot", text.substr(0, at), text.substr(at)),
                      detail::reference_key("bot", "channel", text.substr(0, at), text.substr(at)),
                      detail::private_state_key("bot", "channel", text.substr(0, at), text.substr(at))};
  };
  const auto one = key_with_cut(cut(bytes[0]));
  const auto other = key_with_cut(cut(bytes[1]));
  for (std::size_t i = 0; i < one.size(); ++i) {
    require((one[i] == other[i]) == (cut(bytes[0]) == cut(bytes[1])), "no two conversations share a document");
  }
}

void store_text(std::string_view text) {
  bool whole = text.find('\0') == std::string_view::npos;
  for (auto rest = text; whole && !rest.empty();) {
    const auto next = detail::decode_utf8(rest);
    whole = next.has_value();
    rest.remove_prefix(next ? next->length : 0);
  }
  require(detail::is_storable_text(text) == whole, "what can be stored is UTF-8 without NUL");
  const auto kept_text = detail::storable_text(text, text.size() / 2);
  require(kept_text.size() <= text.size() / 2 && detail::is_storable_text(kept_text), "a cut text can be stored");
  require(!whole || detail::storable_text(text, text.size()) == text, "a text that can be stored is unchanged");
}

constexpr void (*readers[])(std::string_view) = {
    read_document,          read_send,      read_dead,        read_kept_key,  read_keys,      read_handle,
    read_page_end,          read_reference, read_annotations, read_broadcast, read_recipient, make_key,
    make_conversation_keys, store_text};

}  // namespace

// The first byte says what the others are: `A` stands for the first of `readers`.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0) {
    const auto which = static_cast<std::uint8_t>(data[0] - 'A') % std::size(readers);
    readers[which](std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  }
  return 0;
}

#include "storage/validate.hpp"

#include <boost/container/small_vector.hpp>

#include <algorithm>
#include <charconv>

namespace tern::detail {

namespace {

void require_valid_key(std::string_view key) {
  if (key.empty()) {
    throw_error(errc::invalid_argument, "A storage key is empty. Keys have 1 to 1,024 bytes.");
  }
  if (key.size() > max_key_bytes) {
    throw_error(errc::invalid_argument, "The storage key \"" + std::string(key.substr(0, 80)) + "...\" has " +
                                            std::to_string(key.size()) +
                                            " bytes, at most 1,024 are allowed. Pass it through bounded_key first.");
  }
}

void require_valid_expectation(std::string_view key, const Expect& expect) {
  if (expect.is_etag() && expect.value().empty()) {
    throw_error(errc::invalid_argument, "The change of \"" + std::string(key) +
                                            "\" expects an empty eTag. Use Expect::any() to overwrite or "
                                            "Expect::absent() for a new document.");
  }
}

using Keys = boost::container::small_vector<std::string_view, 8>;

// Few keys, as in a turn, are compared with each other; sorting pays from about a dozen on.
void require_each_once(Keys& keys) {
  constexpr std::size_t few = 12;
  auto twice = keys.end();
  if (keys.size() <= few) {
    for (auto key = keys.begin(); key != keys.end() && twice == keys.end(); ++key) {
      twice = std::find(key + 1, keys.end(), *key);
    }
  } else {
    std::sort(keys.begin(), keys.end());
    twice = std::adjacent_find(keys.begin(), keys.end());
  }
  if (twice != keys.end()) {
    throw_error(errc::invalid_argument,
                "The key \"" + std::string(*twice) + "\" stands twice in one write. Merge the two changes.");
  }
}

void require_valid_sends(const std::vector<ScheduledSend>& sends) {
  constexpr std::size_t longest_text = 1ULL << 31;
  for (const auto& send : sends) {
    if (send.handle.slot != slot_of(send.order_key)) {
      throw_error(errc::invalid_argument, "A scheduled send names slot " + std::to_string(send.handle.slot) +
                                              ", but its order key belongs to slot " +
                                              std::to_string(slot_of(send.order_key)) + ". Use slot_of(order_key).");
    }
    if (send.payload.size() > longest_text || send.reference.size() > longest_text ||
        send.order_key.size() > longest_text || send.idempotency_key.size() > longest_text ||
        send.client_request_id.size() > longest_text || send.cancel_on_reply.size() > longest_text ||
        send.annotations.size() > longest_text) {
      throw_error(errc::invalid_argument, "A text of a scheduled send has more than 2 GiB.");
    }
  }
  if (sends.size() < 2) {
    return;
  }
  std::vector<std::array<std::uint8_t, 16>> ids;
  ids.reserve(sends.size());
  for (const auto& send : sends) {
    ids.push_back(send.handle.id);
  }
  std::sort(ids.begin(), ids.end());
  if (std::adjacent_find(ids.begin(), ids.end()) != ids.end()) {
    throw_error(errc::invalid_argument, "Two scheduled sends of one write have the same id. Use new_send_id().");
  }
}

void require_valid_kept(const std::vector<KeptKey>& keys) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].key.empty() || keys[i].known.handle.slot >= slot_count || (i > 0 && keys[i].key <= keys[i - 1].key)) {
      throw_error(errc::invalid_argument,
                  "Idempotency keys are written as `list_keys` gives them: none is empty, each once, in byte order.");
    }
  }
}

[[noreturn]] void throw_no_place(std::string_view text) {
  throw_error(errc::invalid_argument,
              "\"" + std::string(text.substr(0, 80)) + "\" is not where a page of sends ended. Pass `next` unchanged.");
}

void require_valid_page(std::size_t limit) {
  if (limit < 1 || limit > max_page) {
    throw_error(errc::invalid_argument,
                "A page of " + std::to_string(limit) + " items was asked for. The limit is 1 to 1,000.");
  }
}

}  // namespace

void require_valid(const std::vector<std::string>& keys) {
  for (const auto& key : keys) {
    require_valid_key(key);
  }
}

void require_valid(const StoreChanges& changes) {
  Keys keys;
  keys.reserve(changes.upserts.size() + changes.removals.size());
  for (const auto& upsert : changes.upserts) {
    require_valid_key(upsert.key);
    require_valid_expectation(upsert.key, upsert.expect);
    keys.push_back(upsert.key);
  }
  for (const auto& removal : changes.removals) {
    require_valid_key(removal.key);
    require_valid_expectation(removal.key, removal.expect);
    keys.push_back(removal.key);
  }
  require_each_once(keys);
  require_valid_sends(changes.sends);
  require_valid_kept(changes.keys);
  for (const auto& dead : changes.dead) {
    require_valid_sends({dead.send});
  }
}

void require_valid_topic(const std::string& topic) {
  constexpr std::size_t longest = 256;
  const bool is_plain = std::all_of(topic.begin(), topic.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (topic.empty() || topic.size() > longest || !is_plain) {
    throw_error(
        errc::invalid_argument,
        "The topic of a hint or a note has 1 to 256 printable characters of ASCII; use key_part for the parts of it.");
  }
}

void require_valid_hints(const std::vector<std::string>& topics) {
  constexpr std::size_t most = 100;
  if (topics.size() > most) {
    throw_error(errc::invalid_argument,
                "A write has " + std::to_string(topics.size()) + " hints, at most 100 are allowed.");
  }
  for (const auto& topic : topics) {
    require_valid_topic(topic);
  }
}

void require_valid(const StoreScan& scan) {
  require_valid_page(scan.limit);
}

void require_valid(const DueQuery& query) {
  if (query.lease.slot >= slot_count) {
    throw_error(errc::invalid_argument, "There is no slot " + std::to_string(query.lease.slot) + ", only 0 to 63.");
  }
  if (query.limit < 1) {
    throw_error(errc::invalid_argument, "A page of no due sends was asked for. The limit is 1 or more.");
  }
}

void require_valid(const SendQuery& query) {
  require_valid_page(query.limit);
}

void require_valid(const DeadQuery& query) {
  require_valid_page(query.limit);
}

void require_valid(const KeyQuery& query) {
  require_valid_page(query.limit);
}

std::uint64_t place_of_page(std::string_view next) {
  std::uint64_t place = 0;
  const auto* end = next.data() + next.size();
  const auto parsed = std::from_chars(next.data(), end, place);
  if (!next.empty() && (parsed.ec != std::errc() || parsed.ptr != end)) {
    throw_no_place(next);
  }
  return place;
}

std::string SendPlace::to_string() const {
  const auto since_epoch = std::chrono::duration_cast<std::chrono::nanoseconds>(due.time_since_epoch());
  return std::to_string(since_epoch.count()) + '.' + std::to_string(seq);
}

SendPlace SendPlace::parse(std::string_view text) {
  std::int64_t nanoseconds = 0;
  SendPlace place;
  const auto* end = text.data() + text.size();
  const auto due = std::from_chars(text.data(), end, nanoseconds);
  if (due.ec == std::errc() && due.ptr != end && *due.ptr == '.') {
    const auto seq = std::from_chars(due.ptr + 1, end, place.seq);
    if (seq.ec == std::errc() && seq.ptr == end) {
      place.due = WallTime(std::chrono::duration_cast<WallTime::duration>(std::chrono::nanoseconds(nanoseconds)));
      return place;
    }
  }
  throw_no_place(text);
}

}  // namespace tern::detail

#pragma once

#include "direct_line/head.hpp"

#include <tern/schema/json_object.hpp>
#include <tern/storage.hpp>

#include <boost/json/object.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tern::direct_line {

/// How much of a conversation is kept.
struct HistoryBounds {
  std::size_t count = 1000;                        ///< activities, 1 or more
  std::chrono::milliseconds age{168 * 3'600'000};  ///< an older activity is removed when the next one comes
  std::size_t bytes = std::size_t{16} << 20;       ///< of all activities; the newest one is kept, whatever it has
};

/// An activity for a conversation.
struct NewActivity {
  json::object fields;
  std::string key;             ///< one with a known key is not stored again; "": it has none
  bool ends = false;           ///< it ends the conversation
  bool is_posted = false;      ///< a client has brought it, so its key is none of a send
  bool must_be_known = false;  ///< it is not stored if its key is not known
  /// For a reply of a turn that streams: the number of the reply in the run of the turn, which `key` names. One that is
  /// not behind all stored ones of its run is known. 0 for everything else.
  std::uint64_t number_in_run = 0;
};

/// An activity of a conversation, as JSON.
struct StoredActivity {
  std::uint64_t seq = 0;
  std::shared_ptr<const std::string> text;
};

/// The keys under which a conversation is stored.
std::string head_key(std::string_view conversation);
std::string activity_key(std::string_view conversation, std::uint64_t seq);
/// All keys of heads begin with this, and go on with the id of the conversation.
inline constexpr std::string_view head_prefix = "direct-line/c/";

/// Hints of writes to a conversation begin with this, and go on with its id.
inline constexpr std::string_view hint_prefix = "direct-line/";
std::string hint_of(std::string_view conversation);

/// The id of an activity: `CONVERSATION|0000001`.
std::string activity_id(std::string_view conversation, std::uint64_t seq);

/// Whether a client has brought an activity with this key before, as the conversation knows.
bool is_known_post(const Head& head, const std::string& key);

/// What a write of new activities does.
struct AppendPlan {
  Head head;                           ///< afterwards
  std::vector<StoredActivity> stored;  ///< the new activities, which got their ids and times
  /// Of the activities that were given; that of the stored one for a known key, or of the last of its run; 0 when it
  /// may not be stored.
  std::vector<std::uint64_t> seqs;
  std::vector<std::string> times;  ///< their timestamps; "" for those that were not stored
  StoreChanges changes;            ///< empty when nothing is to be stored
};

/// Adds activities to a conversation: gives them ids and times, each later than the one before, removes activities
/// beyond the bounds, and remembers keys. Nothing is stored behind the end of a conversation. `etag`: that of the
/// stored head.
AppendPlan plan_append(std::string_view conversation, Head head, const std::string& etag,
                       const std::vector<NewActivity>& activities, const HistoryBounds& bounds, WallTime now);

}  // namespace tern::direct_line

#pragma once

#include <tern/storage/types.hpp>
#include <tern/turn/broadcast.hpp>

#include <boost/json/object.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace tern::proactive {

/// How much of a broadcast is taken at a time.
inline constexpr std::chrono::seconds broadcast_step{2};
inline constexpr std::uint32_t most_broadcast_rate = 1'000;

/// The document of a broadcast: what goes to whom, and how far it is.
struct Campaign {
  std::string id;
  /// Tells it apart from one that had this id before and was forgotten, and its list from those of a `begin` with this
  /// id that came to nothing. "" when it was begun before there was such a name.
  std::string run;
  std::string etag;
  BroadcastState state = BroadcastState::running;
  json::object activity;
  std::string channel;  ///< "" for a list
  std::optional<std::string> tenant;
  std::uint64_t rate = 1;
  std::string cursor;
  std::uint64_t step = 0;  ///< an older step finds another number here, and ends
  std::uint64_t scheduled = 0;
  std::uint64_t skipped = 0;
  WallTime taken_until{};  ///< the last of those that were taken is due then
  std::string begun;
  std::string all_taken;

  static Campaign parse(std::string id, const StoreItem& item);
  std::string document() const;

  std::size_t in_step() const noexcept { return static_cast<std::size_t>(rate) * broadcast_step.count(); }
  WallTime::duration apart() const noexcept { return WallTime::duration(std::chrono::seconds(1)) / rate; }
  bool is_over() const noexcept { return state == BroadcastState::done || state == BroadcastState::cancelled; }

  /// What its sends carry with them (`Annotations::broadcast`): the id and the run.
  std::string mark() const { return run.empty() ? id : id + "/" + run; }
  struct Named {
    std::string id;
    std::string run;
  };
  static Named of_mark(const std::string& mark);
};

/// The document of one conversation that a broadcast goes to. Written with its send, so that its being there means that
/// the conversation was taken; and again with the outcome.
struct RecipientRecord {
  std::optional<RecipientOutcome::Kind> kind;  ///< nullopt: not known yet
  std::string user_id;
  std::string conversation_id;
  std::string send;  ///< the handle, while the outcome is not known
  std::string reason;
  std::optional<WallTime> at;

  static RecipientRecord parse(const StoreItem& item);
  std::string document() const;
};

// Members of JSON objects, where what is missing or of another kind is empty.
std::optional<json::object> parse_object(std::string_view text);
std::string text_at(const json::object& object, std::string_view name);
std::uint64_t number_at(const json::object& object, std::string_view name);

}  // namespace tern::proactive

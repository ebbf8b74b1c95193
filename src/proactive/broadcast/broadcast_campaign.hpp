#pragma once

#include <tern/storage/types.hpp>
#include <tern/turn/broadcast.hpp>

#include <boost/json/object.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace tern::proactive {

/// A step comes every two seconds and takes the recipients of that time.
inline constexpr std::chrono::seconds broadcast_step{2};
inline constexpr std::uint32_t most_broadcast_rate = 1'000;

/// The document of a broadcast: its activity, its recipients and its progress.
struct Campaign {
  std::string id;
  /// Distinguishes the broadcast from a forgotten one with the same id, and its list from the lists of calls of
  /// `begin` with this id that failed. "" when the broadcast was begun by a version without such a name.
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
  WallTime taken_until{};  ///< the due time of the last recipient that was taken
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

/// The document of one conversation that a broadcast goes to. It is written with the send, so its existence means that
/// the conversation was taken. It is written again with the outcome.
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

// Members of JSON objects; a member that is missing or of another type reads as empty.
std::optional<json::object> parse_object(std::string_view text);
std::string text_at(const json::object& object, std::string_view name);
std::uint64_t number_at(const json::object& object, std::string_view name);

}  // namespace tern::proactive

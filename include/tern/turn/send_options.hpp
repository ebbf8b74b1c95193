#pragma once

#include <tern/async/clock.hpp>
#include <tern/turn/recurrence.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace tern {

/// The scope of an idempotency key. Keys of different scopes are never equal.
enum class KeyScope : std::uint8_t {
  bot,          ///< the key stands for one send of the whole bot, in whatever conversation
  conversation  ///< the key stands for one send in each conversation
};

/// Options of a scheduled send. Setters chain.
class SendOptions {
 public:
  /// A key for idempotency, 1 to 512 bytes. A send with a known key is not stored, whatever its other options are; a
  /// key is known for seven days after the first send with it. The call then returns the handle of the send that the
  /// key stands for: the handle that is valid now while that send is pending, and its first handle once it was sent,
  /// cancelled or given up. So `cancel` works on that handle, or answers `too_late`.
  ///
  /// The key stands for one send of the whole bot: a bot that uses `"reminder"` in two conversations gets one reminder.
  /// With `KeyScope::conversation` it stands for one send in each conversation. No key of a bot is equal to a key that
  /// the framework makes.
  ///
  /// In a turn the key is looked up in the store at once. When another turn takes the key before this turn has
  /// committed, this turn fails with `errc::conflict`, since it may have kept the wrong handle. It finds the send when
  /// its activity is delivered again.
  SendOptions& key(std::string value, KeyScope scope = KeyScope::bot) {
    key_ = std::move(value);
    key_scope_ = scope;
    return *this;
  }
  /// Sends with the same order key go out one at a time in the order of their due times. Default: the conversation.
  SendOptions& order_key(std::string value) { return order_key_ = std::move(value), *this; }
  /// Keeps the order even after a death. When this send dies, later strict sends with the same order key die too, and
  /// can be sent again in their order (`DeadLetters`). Without this option the next send passes a dead one.
  SendOptions& strict(bool value = true) { return strict_ = value, *this; }
  /// After this time the send is dropped instead of sent late. A recurring send ends with its last time before it.
  SendOptions& expires(WallTime value) { return expires_ = value, *this; }
  /// If the send may have arrived, it is not tried again: it is dead, with a reason that says so. Without this option a
  /// send arrives at least once.
  SendOptions& at_most_once(bool value = true) { return at_most_once_ = value, *this; }
  /// The next message of the recipient cancels the send, unless it is being sent by then. The recipient is the `user`
  /// of the reference, in a group too. When the reference names no user, the next message of any participant cancels
  /// it.
  SendOptions& cancel_on_reply(bool value = true) { return cancel_on_reply_ = value, *this; }
  /// The zone of quiet hours and recurrences, as `is_time_zone` takes it. Default: UTC. `user_time_zone` finds the zone
  /// of the user. A zone that the machine does not know when the send is due counts as UTC, and the log says so.
  SendOptions& time_zone(std::string value) { return time_zone_ = std::move(value), *this; }
  /// A send that is due in these hours waits for their end, also when it is late.
  SendOptions& quiet_hours(QuietHours value) { return quiet_hours_ = value, *this; }
  /// The send comes again and again, under the same handle: the outcome of each occurrence sets the time of the next.
  /// It ends when it is cancelled, when the next time lies after `expires`, or when the conversation is gone. When an
  /// occurrence dies for another reason, it is counted and not kept, and the next occurrence comes all the same. Missed
  /// times are not made up for.
  SendOptions& every(Recurrence value) { return every_ = value, *this; }

  // Readers have other names than setters, so that nobody sets an option by mistake.

  /// The key; "" for none.
  const std::string& given_key() const noexcept { return key_; }
  /// The scope of the key.
  KeyScope given_key_scope() const noexcept { return key_scope_; }
  /// The order key; "" for the one of the conversation.
  const std::string& given_order_key() const noexcept { return order_key_; }
  ///@{
  /// The option that was set, or its default.
  std::optional<WallTime> expiry() const noexcept { return expires_; }
  bool is_strict() const noexcept { return strict_; }
  bool is_at_most_once() const noexcept { return at_most_once_; }
  bool is_cancelled_on_reply() const noexcept { return cancel_on_reply_; }
  const std::string& zone() const noexcept { return time_zone_; }
  const std::optional<QuietHours>& quiet() const noexcept { return quiet_hours_; }
  const std::optional<Recurrence>& recurrence() const noexcept { return every_; }
  ///@}

 private:
  std::string key_;
  std::string order_key_;
  std::optional<WallTime> expires_;
  KeyScope key_scope_ = KeyScope::bot;
  bool strict_ = false;
  bool at_most_once_ = false;
  bool cancel_on_reply_ = false;
  std::string time_zone_ = "UTC";
  std::optional<QuietHours> quiet_hours_;
  std::optional<Recurrence> every_;
};

}  // namespace tern

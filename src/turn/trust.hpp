#pragma once

#include <tern/schema/activity.hpp>
#include <tern/turn/identity.hpp>

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

namespace tern::detail {

/// Who vouches for a conversation reference: the caller whose activity it was made of. It is stored inside the
/// reference, and so in each scheduled send, as `"trust":{"by":"channel","tenant":"..."}`. A reference without it comes
/// from a turn in which nobody was asked, or from a version that did not store it.
struct Trust {
  Identity::Kind by = Identity::Kind::anonymous;
  /// Of another bot, or the address of a channel in the process: all other callers of a kind speak for the same
  /// service.
  std::string app;
  std::string tenant;  ///< "" for none

  static Trust of(const Identity& caller);
  /// Of a reference. A kind that this version does not know counts as `other`, a damaged member as absent.
  static Trust in(const json::object& reference);
  /// Puts it into a reference, in place of what is there. An anonymous one is left out.
  void put(json::object& reference) const;

  /// Whether a channel in the process vouches for it.
  bool is_inside() const noexcept;

  friend bool operator==(const Trust&, const Trust&) = default;
};

/// The name of the member.
inline constexpr std::string_view trust_member = "trust";

/// The part of a caller's app id that is stored: see `Trust::app`.
std::string_view app_of(const Identity& caller) noexcept;

/// Whether `by` may say where a conversation is, when `known` has said it before, as far as channels in the process are
/// concerned: a conversation of such a channel stays with it, whoever comes over HTTP, and such a channel takes no
/// conversation from a channel that came over HTTP and was checked. True in all other cases. It holds for every bot.
bool may_cross(const Trust& known, const Trust& by) noexcept;

/// Whether a bot that checks its callers lets `by` say where a conversation is, when `known` has said it before. A
/// channel speaks for its conversations. Any other caller may move only what a caller like itself has brought: the same
/// kind, in the same tenant, and if it is a bot the same bot. A conversation that nobody vouches for may be moved by
/// every caller that was checked. False when `may_cross` is.
bool may_move(const Trust& known, const Trust& by) noexcept;

/// The app id of the bot that vouches for a reference, whose member `trust` is this; "" when it is another caller, or
/// nobody. `trust`: nullptr for no member. Lifetime: a view into `trust`.
std::string_view vouching_bot(const json::value* trust) noexcept;

/// What `callerId` begins with when the caller is a bot. Its app id follows.
inline constexpr std::string_view bot_caller = "urn:botframework:aadappid:";

/// Notes on an activity that is about to be sent which bot has brought its conversation, as `callerId`. The sender
/// shows a token that is for that bot then, and takes the note away: it is not for the wire. `app`: its app id; "" when
/// a channel has brought the conversation, which leaves no `callerId`.
void note_caller(Activity& activity, std::string_view app);

/// The app id in the note; "" without one. Lifetime: a view into `activity`.
std::string_view noted_caller(const Activity& activity) noexcept;

}  // namespace tern::detail

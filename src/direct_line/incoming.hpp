#pragma once

#include "direct_line/access.hpp"
#include "direct_line/head.hpp"
#include "direct_line/options.hpp"

#include <tern/schema/activity.hpp>

#include <exception>
#include <string>
#include <string_view>

namespace tern::direct_line {

/// An activity of a client.
struct Incoming {
  json::object fields;         ///< as it is stored and comes back to clients
  bool is_shown_only = false;  ///< it is not stored: typing
  bool ends = false;           ///< it ends the conversation, after its turn
  bool streams = false;        ///< its turn has `deliveryMode: stream`
  /// By what it is known when the client brings it again, because it got no answer or was refused: its
  /// `channelData.clientActivityID`, its sender, and its content without the client's time. A client that gives the
  /// same id to different messages loses none. "" for an activity without such an id, which is never a repetition.
  std::string key;
  bool must_be_known = false;  ///< it is not stored if its key is not known (any more): `ForgottenPost`
};

/// An activity was to be known, and is not any more.
struct ForgottenPost final : std::exception {};

/// Checks an activity of a client, and sets what a client may not choose: the sender, the channel, the conversation.
/// Errors: `Refusal` with 400, and 413 for typing that is too large to be shown.
Incoming check_incoming(json::object given, const Caller& caller, const Head& head, std::string_view conversation);

/// The object in a body of JSON; an empty one for an empty body if `may_be_empty`.
/// Errors: `Refusal` with 400.
json::object object_in(std::string_view body, bool may_be_empty);

/// The activity as the bot gets it.
Activity for_bot(const Incoming& incoming, const Options& options, std::string_view id, std::string_view timestamp);

/// The activity that tells the bot that a conversation has begun.
Activity conversation_update(const Head& head, std::string_view conversation, const Options& options,
                             std::string_view timestamp);

/// The account of the bot.
ChannelAccount bot_account(const Options& options);

}  // namespace tern::direct_line

#pragma once

#include <string_view>

// The words of the protocol. They are strings, not enums: an unknown word is valid and is passed on as it came.
// Source: Activity Protocol, appendices.

/// `Activity::type`.
namespace tern::activity_types {
///@{
/// The word of the protocol; the value is the text on the wire.
inline constexpr std::string_view message = "message";
inline constexpr std::string_view contact_relation_update = "contactRelationUpdate";
inline constexpr std::string_view conversation_update = "conversationUpdate";
inline constexpr std::string_view typing = "typing";
inline constexpr std::string_view end_of_conversation = "endOfConversation";
inline constexpr std::string_view event = "event";
inline constexpr std::string_view invoke = "invoke";
inline constexpr std::string_view invoke_response = "invokeResponse";
inline constexpr std::string_view delete_user_data = "deleteUserData";
inline constexpr std::string_view message_update = "messageUpdate";
inline constexpr std::string_view message_delete = "messageDelete";
inline constexpr std::string_view installation_update = "installationUpdate";
inline constexpr std::string_view message_reaction = "messageReaction";
inline constexpr std::string_view suggestion = "suggestion";
inline constexpr std::string_view trace = "trace";
inline constexpr std::string_view handoff = "handoff";
inline constexpr std::string_view command = "command";
inline constexpr std::string_view command_result = "commandResult";
/// Never on the wire: a pause among the activities of one `TurnContext::send_many`.
inline constexpr std::string_view delay = "delay";
///@}
}  // namespace tern::activity_types

/// `Activity::delivery_mode`.
namespace tern::delivery_modes {
///@{
/// The word of the protocol; the value is the text on the wire.
inline constexpr std::string_view normal = "normal";
inline constexpr std::string_view notification = "notification";
inline constexpr std::string_view ephemeral = "ephemeral";
/// The replies are wanted in the HTTP response.
inline constexpr std::string_view expect_replies = "expectReplies";
/// The replies are wanted in the HTTP response, as server-sent events.
inline constexpr std::string_view stream = "stream";
///@}
}  // namespace tern::delivery_modes

/// `Activity::input_hint`.
namespace tern::input_hints {
///@{
/// The word of the protocol; the value is the text on the wire.
inline constexpr std::string_view accepting_input = "acceptingInput";
inline constexpr std::string_view expecting_input = "expectingInput";
inline constexpr std::string_view ignoring_input = "ignoringInput";
///@}
}  // namespace tern::input_hints

/// `Activity::text_format`.
namespace tern::text_formats {
///@{
/// The word of the protocol; the value is the text on the wire.
inline constexpr std::string_view markdown = "markdown";
inline constexpr std::string_view plain = "plain";
inline constexpr std::string_view xml = "xml";
///@}
}  // namespace tern::text_formats

/// `Activity::attachment_layout`.
namespace tern::attachment_layouts {
///@{
/// The word of the protocol; the value is the text on the wire.
inline constexpr std::string_view list = "list";
inline constexpr std::string_view carousel = "carousel";
///@}
}  // namespace tern::attachment_layouts

/// `Activity::importance`.
namespace tern::importances {
///@{
/// The word of the protocol; the value is the text on the wire.
inline constexpr std::string_view low = "low";
inline constexpr std::string_view normal = "normal";
inline constexpr std::string_view high = "high";
///@}
}  // namespace tern::importances

/// `ChannelAccount::role`.
namespace tern::roles {
///@{
/// The word of the protocol; the value is the text on the wire.
inline constexpr std::string_view user = "user";
inline constexpr std::string_view bot = "bot";
inline constexpr std::string_view skill = "skill";
///@}
}  // namespace tern::roles

/// `Activity::channel_id`.
namespace tern::channels {
///@{
/// The word of the protocol; the value is the text on the wire.
inline constexpr std::string_view alexa = "alexa";
inline constexpr std::string_view console = "console";
inline constexpr std::string_view directline = "directline";
inline constexpr std::string_view directline_speech = "directlinespeech";
inline constexpr std::string_view email = "email";
inline constexpr std::string_view emulator = "emulator";
inline constexpr std::string_view facebook = "facebook";
inline constexpr std::string_view groupme = "groupme";
inline constexpr std::string_view kik = "kik";
inline constexpr std::string_view line = "line";
inline constexpr std::string_view msteams = "msteams";
inline constexpr std::string_view omnichannel = "omnichannel";
inline constexpr std::string_view outlook = "outlook";
inline constexpr std::string_view skype = "skype";
inline constexpr std::string_view slack = "slack";
inline constexpr std::string_view sms = "sms";
inline constexpr std::string_view telegram = "telegram";
inline constexpr std::string_view telephony = "telephony";
inline constexpr std::string_view test = "test";
inline constexpr std::string_view twilio_sms = "twilio-sms";
inline constexpr std::string_view webchat = "webchat";
///@}
}  // namespace tern::channels

/// `ConversationAccount::conversation_type`.
namespace tern::conversation_types {
///@{
/// The word of the protocol; the value is the text on the wire.
inline constexpr std::string_view personal = "personal";
inline constexpr std::string_view group_chat = "groupChat";
inline constexpr std::string_view channel = "channel";
///@}
}  // namespace tern::conversation_types

/// `Activity::code` of an `endOfConversation`.
namespace tern::end_of_conversation_codes {
///@{
/// The word of the protocol; the value is the text on the wire.
inline constexpr std::string_view unknown = "unknown";
inline constexpr std::string_view completed_successfully = "completedSuccessfully";
inline constexpr std::string_view user_cancelled = "userCancelled";
inline constexpr std::string_view bot_timed_out = "botTimedOut";
inline constexpr std::string_view bot_issued_invalid_message = "botIssuedInvalidMessage";
inline constexpr std::string_view channel_failed = "channelFailed";
///@}
}  // namespace tern::end_of_conversation_codes

/// `Activity::action` of a `contactRelationUpdate` (add, remove) and of an `installationUpdate` (all).
namespace tern::update_actions {
///@{
/// The word of the protocol; the value is the text on the wire.
inline constexpr std::string_view add = "add";
inline constexpr std::string_view remove = "remove";
inline constexpr std::string_view add_upgrade = "add-upgrade";
inline constexpr std::string_view remove_upgrade = "remove-upgrade";
///@}
}  // namespace tern::update_actions

/// `state` of a semantic action.
namespace tern::semantic_action_states {
///@{
/// The word of the protocol; the value is the text on the wire.
inline constexpr std::string_view start = "start";
inline constexpr std::string_view continue_ = "continue";
inline constexpr std::string_view done = "done";
///@}
}  // namespace tern::semantic_action_states

#pragma once

#include <tern/async/deadline.hpp>
#include <tern/error.hpp>
#include <tern/schema/activity.hpp>
#include <tern/schema/conversation_parameters.hpp>
#include <tern/schema/resource_response.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tern {

/// The answer of a channel that refuses. `what()`, which goes into logs, has the status and the channel's code, and no
/// more.
class ChannelError : public Error {
 public:
  /// The sender of the answer, as the body shows.
  enum class By : std::uint8_t {
    channel,  ///< the channel: the body is the protocol's error, `{"error":{"code","message"}}`
    nobody,   ///< the body is empty: perhaps the channel, perhaps a gateway or proxy on the way
    stranger  ///< a gateway or proxy: the body is anything else
  };

  /// With these members.
  ChannelError(int status, std::string code, std::optional<std::chrono::milliseconds> retry_after,
               std::string said = {}, By by = By::channel);
  /// The status of HTTP.
  int status() const noexcept { return status_; }
  /// The message that came with the status, at most 200 bytes in one line; "" when there was none. Some channels repeat
  /// the text that was sent in it, so do not log it where that text is private.
  const std::string& said() const noexcept { return said_; }
  /// The pause that the channel's Retry-After asked for; the connector bounds it by `limits.retry_after`.
  std::optional<std::chrono::milliseconds> retry_after() const noexcept { return retry_after_; }
  /// The sender of the answer.
  By by() const noexcept { return by_; }

 private:
  int status_;
  std::optional<std::chrono::milliseconds> retry_after_;
  std::string said_;
  By by_;
};

/// A send with an unknown outcome: the request was written, and no answer came. The message may have arrived.
class AmbiguousSend : public Error {
 public:
  /// `detail`: what happened, and where.
  explicit AmbiguousSend(error_code code, const std::string& detail) : Error(code, detail) {}
};

/// Sends activities to channels. Floor 3 knows this interface, and the connector implements it.
///
/// The activity is addressed: it carries `serviceUrl` and `conversation.id`. All functions are called on a shard and
/// resume there; several calls may be under way at once.
///
/// Errors: `errc::service_url_refused` (nothing was sent), `errc::address_refused` (likewise; the name of the host
/// leads where the bot may not send), `errc::channel_unreachable` (not connected, or the request was not written),
/// `errc::overloaded` (too many waiting for this host), `errc::timed_out` before writing, `AmbiguousSend` after it,
/// `ChannelError` for any status but 2xx. Source: Bot Connector API v3, operations "Conversations_*".
class ChannelSender {
 public:
  virtual ~ChannelSender() = default;

  /// Posts `activity`: as a reply when it carries `replyToId`, to the conversation otherwise.
  /// `request_id` becomes `x-ms-client-request-id`; a retry passes the same; "" makes a new one.
  virtual awaitable<ResourceResponse> send(const Activity& activity, std::string request_id, Deadline by) = 0;

  /// As `send`, and asks `may_begin` right before the request is written. When the answer is false, nothing is sent,
  /// and this throws `errc::timed_out`: another process may have the send by then. Empty: it may.
  ///
  /// Here it asks right before it calls `send`. A sender whose `send` may wait before it writes, for a connection or
  /// for its turn, overrides this and asks after the wait.
  ///
  /// Lifetime: `activity` and objects that `may_begin` refers to outlive this call.
  virtual awaitable<ResourceResponse> send_if(const Activity& activity, std::string request_id, Deadline by,
                                              std::function<bool()> may_begin);

  /// Replaces the activity that has `activity`'s id.
  virtual awaitable<ResourceResponse> update(const Activity& activity, Deadline by) = 0;

  /// Deletes an activity. `reference` carries serviceUrl, conversation and activity id.
  virtual awaitable<void> remove(const ConversationReference& reference, Deadline by) = 0;

  /// Begins a conversation.
  virtual awaitable<ConversationResourceResponse> create_conversation(std::string service_url,
                                                                      ConversationParameters parameters,
                                                                      Deadline by) = 0;

  /// Whether the bot may send to this serviceUrl. If not, `send` throws `errc::service_url_refused`, and no reference
  /// with that address is kept.
  virtual bool sends_to(std::string_view service_url) const noexcept {
    (void)service_url;
    return true;
  }
};

}  // namespace tern

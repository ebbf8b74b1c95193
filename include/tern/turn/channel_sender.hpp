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

/// A channel said no. `what()`, which goes into logs, has the status and the channel's code for it, and no more.
class ChannelError : public Error {
 public:
  /// Who answered, as the body shows.
  enum class By : std::uint8_t {
    channel,  ///< the channel: the body is the protocol's error, `{"error":{"code","message"}}`
    nobody,   ///< the body is empty: perhaps the channel, perhaps a gateway or proxy on the way
    stranger  ///< such a gateway, by its page: the body is anything else
  };

  ChannelError(int status, std::string code, std::optional<std::chrono::milliseconds> retry_after,
               std::string said = {}, By by = By::channel);
  int status() const noexcept { return status_; }
  /// The message that came with the status, at most 200 bytes in one line; "" when there was none. Some channels repeat
  /// in it the text that was sent: do not log it where that is nobody else's.
  const std::string& said() const noexcept { return said_; }
  /// What the channel's Retry-After asked for; the connector bounds it by `limits.retry_after`.
  std::optional<std::chrono::milliseconds> retry_after() const noexcept { return retry_after_; }
  By by() const noexcept { return by_; }

 private:
  int status_;
  std::optional<std::chrono::milliseconds> retry_after_;
  std::string said_;
  By by_;
};

/// Sending was begun and its outcome is unknown: the request was written, and no answer came. It may have arrived.
class AmbiguousSend : public Error {
 public:
  explicit AmbiguousSend(error_code code, const std::string& detail) : Error(code, detail) {}
};

/// How activities reach a channel: floor 3 knows this interface, the connector implements it.
///
/// The activity is addressed: it carries `serviceUrl` and `conversation.id`. All functions are called on a shard and
/// resume there; several calls may be under way at once.
///
/// Errors: `errc::service_url_refused` (nothing was sent), `errc::channel_unreachable` (not connected, or the request
/// was not written), `errc::overloaded` (too many waiting for this host), `errc::timed_out` before writing,
/// `AmbiguousSend` after it, `ChannelError` for any status but 2xx.
/// Source: connector API v3, specs "Conversations_*".
class ChannelSender {
 public:
  virtual ~ChannelSender() = default;

  /// Posts `activity`: as a reply when it carries `replyToId`, to the conversation otherwise.
  /// `request_id` becomes `x-ms-client-request-id`; a retry passes the same; "" makes a new one.
  virtual awaitable<ResourceResponse> send(const Activity& activity, std::string request_id, Deadline by) = 0;

  /// As `send`, and asks `may_begin` right before the request is written. When that says no: `errc::timed_out`, and
  /// nothing was sent. A sender that never waits before it writes need not ask.
  /// Lifetime: what `may_begin` refers to is there until this ends.
  virtual awaitable<ResourceResponse> send_if(const Activity& activity, std::string request_id, Deadline by,
                                              std::function<bool()> may_begin) {
    (void)may_begin;
    return send(activity, std::move(request_id), by);
  }

  /// Replaces the activity that has `activity`'s id.
  virtual awaitable<ResourceResponse> update(const Activity& activity, Deadline by) = 0;

  /// Deletes an activity. `reference` carries serviceUrl, conversation and activity id.
  virtual awaitable<void> remove(const ConversationReference& reference, Deadline by) = 0;

  /// Begins a conversation.
  virtual awaitable<ConversationResourceResponse> create_conversation(std::string service_url,
                                                                      ConversationParameters parameters,
                                                                      Deadline by) = 0;

  /// Whether a send to this serviceUrl is begun at all. Where it is not, `send` ends in `errc::service_url_refused`,
  /// and no reference with that address is kept.
  virtual bool sends_to(std::string_view service_url) const noexcept {
    (void)service_url;
    return true;
  }
};

}  // namespace tern

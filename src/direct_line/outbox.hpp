#pragma once

#include "direct_line/conversations.hpp"
#include "direct_line/options.hpp"

#include <tern/turn/channel_inlet.hpp>
#include <tern/turn/channel_sender.hpp>

#include <cstdint>
#include <string>

namespace tern::direct_line {

/// Sends what the bot says to the conversations: it is stored, and those who follow get it. Nobody needs to be there.
///
/// A send with a key that the conversation knows is not stored again: a send that is tried once more after a crash,
/// because its outcome was not recorded, arrives once. The keys of the last 48 sends are known, and
/// of the last 8 turns that streamed, how many replies were stored.
///
/// Typing is shown to those who follow in this process, and not stored.
///
/// Lifetime: the conversations and the clock outlive it.
/// Thread safety: all functions from any thread.
class Outbox final : public ChannelSender {
 public:
  Outbox(Conversations& conversations, const Bounds& bounds, Clock& clock)
      : conversations_(conversations), bounds_(bounds), clock_(clock) {}

  /// Errors: `ChannelError` with 404 when the conversation has ended or is not kept any more, with 413 when the
  /// activity is too large; `errc::channel_unreachable` when the store is away. A send without a key may be stored all
  /// the same then, which is `AmbiguousSend`.
  awaitable<ResourceResponse> send(const Activity& activity, std::string request_id, Deadline by) override;

  /// Sends a reply of a turn that streams. One that was sent before, or is behind a later one of its run, is not
  /// stored. Errors: as for `send` with a key.
  awaitable<void> send_streamed(StreamedReply reply, Deadline by);

  /// Errors: always `ChannelError` with 405, as Direct Line has neither.
  awaitable<ResourceResponse> update(const Activity& activity, Deadline by) override;
  awaitable<void> remove(const ConversationReference& reference, Deadline by) override;
  /// Errors: always `ChannelError` with 405: a conversation of Direct Line begins with a client.
  awaitable<ConversationResourceResponse> create_conversation(std::string service_url,
                                                              ConversationParameters parameters, Deadline by) override;
  bool sends_to(std::string_view service_url) const noexcept override;

 private:
  awaitable<ResourceResponse> send_as(const Activity& activity, std::string key, std::uint64_t number_in_run,
                                      Deadline by);
  awaitable<std::string> store(std::shared_ptr<Conversation> conversation, NewActivity activity, Deadline by);

  Conversations& conversations_;
  const Bounds bounds_;
  Clock& clock_;
};

}  // namespace tern::direct_line

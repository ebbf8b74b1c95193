#pragma once

#include <tern/tern.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <vector>

namespace tern::wire {

/// The bot behind the captures, written with Tern: for the same requests it does what the captured one did.
class WireBot : public ActivityHandler {
 public:
  /// `later`: how long after the turn the proactive message of the Playground's captures is sent.
  explicit WireBot(std::chrono::milliseconds later = std::chrono::seconds(2)) : later_(later) {}

  /// Sends a trace with the error, then a message that tells the user.
  awaitable<void> on_turn_error(TurnContext& turn, std::exception_ptr error) override;

 private:
  awaitable<void> on_message(TurnContext& turn) override;
  awaitable<void> on_members_added(std::vector<ChannelAccount> members, TurnContext& turn) override;
  awaitable<void> on_event(TurnContext& turn) override;
  awaitable<std::optional<InvokeResponse>> on_other_invoke(TurnContext& turn) override;

  awaitable<void> send_update_delete(TurnContext& turn);
  awaitable<void> send_several(TurnContext& turn);
  awaitable<void> send_choices(TurnContext& turn);
  awaitable<void> answer_later(TurnContext& turn, std::string text);

  const std::chrono::milliseconds later_;
};

}  // namespace tern::wire

#pragma once

#include "proactive/send_edits.hpp"

#include <tern/turn/dead_letters.hpp>

#include <string>

namespace tern::proactive {

/// The `DeadLetters` of the process.
///
/// Lifetime: edits and clock outlive it.
class OwnDeadLetters final : public DeadLetters {
 public:
  OwnDeadLetters(SendEdits& edits, Clock& clock, bool enabled) : edits_(edits), clock_(clock), enabled_(enabled) {}

  awaitable<DeadLetterPage> list(DeadFilter filter, std::string after, std::size_t limit) override;
  awaitable<std::optional<SendHandle>> redrive(SendHandle handle) override;
  awaitable<std::size_t> redrive_all(DeadFilter filter) override;
  awaitable<bool> discard(SendHandle handle) override;

 private:
  void require_enabled() const;

  SendEdits& edits_;
  Clock& clock_;
  bool enabled_;
};

}  // namespace tern::proactive

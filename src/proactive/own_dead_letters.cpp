#include "proactive/own_dead_letters.hpp"

#include "proactive/dead_sends.hpp"
#include "proactive/send_views.hpp"
#include "turn/environment.hpp"

#include <utility>

namespace tern::proactive {

void OwnDeadLetters::require_enabled() const {
  if (!enabled_) {
    detail::throw_proactive_disabled();
  }
}

awaitable<DeadLetterPage> OwnDeadLetters::list(DeadFilter filter, std::string after, std::size_t limit) {
  require_enabled();
  DeadQuery query;
  query.after = std::move(after);
  query.limit = limit;
  auto page =
      co_await list_dead(edits_.store(), std::move(query), std::move(filter), [this] { return edits_.deadline(); });
  DeadLetterPage shown;
  for (const auto& dead : page.sends) {
    shown.letters.push_back(view_of(dead));
  }
  shown.next = std::move(page.next);
  co_return shown;
}

awaitable<std::optional<SendHandle>> OwnDeadLetters::redrive(SendHandle handle) {
  require_enabled();
  return edits_.move_to(SendEdit::Kind::redrive, handle, clock_.wall_now());
}

awaitable<std::size_t> OwnDeadLetters::redrive_all(DeadFilter filter) {
  require_enabled();
  std::vector<SendHandle> redriven;
  const auto now = std::chrono::ceil<std::chrono::microseconds>(clock_.wall_now());
  co_await proactive::redrive_all(
      edits_.store(), std::move(filter), now, [this] { return edits_.deadline(); },
      [&redriven](std::vector<SendHandle> asked, StoreReceipt receipt) {
        for (std::size_t i = 0; i < asked.size(); ++i) {
          if (receipt.edits.at(i) == EditOutcome::done) {
            redriven.push_back(receipt.edit_handles.at(i));
          }
        }
      });
  const auto count = redriven.size();
  co_await edits_.tell_of_redriven(std::move(redriven));
  co_return count;
}

awaitable<bool> OwnDeadLetters::discard(SendHandle handle) {
  require_enabled();
  return edits_.end(SendEdit::Kind::discard, handle);
}

}  // namespace tern::proactive

#include "proactive/send_edits.hpp"

#include "proactive/references/gone_references.hpp"
#include "storage/awaited_replies.hpp"
#include "turn/make_send.hpp"

#include <algorithm>
#include <utility>

namespace tern::proactive {

Deadline SendEdits::deadline() const noexcept {
  return Deadline::after(runtime_.environment(0).storage_timeout, clock_);
}

awaitable<bool> SendEdits::end(SendEdit::Kind how, SendHandle handle) {
  StoreChanges changes;
  changes.edits.emplace_back(how, handle);
  auto schedule = store();
  auto written = co_await schedule.write(std::move(changes), deadline());
  const bool done = written.has_value() && written->edits.at(0) == EditOutcome::done;
  if (done && how == SendEdit::Kind::cancel) {
    runner_.on_cancelled({handle});
  }
  co_return done;
}

awaitable<std::optional<SendHandle>> SendEdits::move_to(SendEdit::Kind how, SendHandle handle, WallTime when) {
  detail::require_in_horizon(clock_.wall_now(), when);
  StoreChanges changes;
  const auto due = std::chrono::ceil<std::chrono::microseconds>(std::max(when, clock_.wall_now()));
  changes.edits.emplace_back(how, handle, due);
  auto schedule = store();
  storage::hint_at_awaited_replies(changes);
  auto written = co_await schedule.write(std::move(changes), deadline());
  if (!written.has_value() || written->edits.at(0) != EditOutcome::done) {
    co_return std::nullopt;
  }
  const auto moved = written->edit_handles.at(0);
  if (how == SendEdit::Kind::redrive) {
    co_await tell_of_redriven({moved});
  } else {
    (void)co_await tell_of_edit(moved);
  }
  co_return moved;
}

// The window must learn of a send that was moved into it; its record says what it now is.
awaitable<std::optional<ScheduledSend>> SendEdits::tell_of_edit(SendHandle handle) {
  SendQuery query;
  query.handle = handle;
  query.limit = 1;
  auto schedule = store();
  auto page = co_await schedule.list_sends(std::move(query), deadline());
  if (page.sends.empty()) {
    co_return std::nullopt;
  }
  runner_.on_scheduled({page.sends.front()}, {page.sends.front().seq});
  co_return std::move(page.sends.front());
}

// A caller who sends it again believes that its conversation is there. If it is not, the send marks it again.
awaitable<void> SendEdits::tell_of_redriven(std::vector<SendHandle> handles) {
  for (const auto& handle : handles) {
    auto send = co_await tell_of_edit(handle);
    if (send) {
      co_await mark_found(runtime_.environment(0), std::move(*send));
    }
  }
}

}  // namespace tern::proactive

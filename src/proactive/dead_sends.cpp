#include "proactive/dead_sends.hpp"

#include "storage/awaited_replies.hpp"

#include <tern/error.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

namespace tern::proactive {

namespace {

bool takes(const DeadFilter& filter, const DeadSend& dead) {
  return std::string_view(dead.reason).starts_with(filter.reason) && (!filter.since || dead.died >= *filter.since) &&
         (!filter.until || dead.died <= *filter.until) &&
         (!filter.order_key || dead.send.order_key == *filter.order_key);
}

constexpr std::size_t redriven_at_once = 500;

}  // namespace

awaitable<DeadPage> list_dead(AnyStorage schedule, DeadQuery query, DeadFilter filter,
                              std::function<Deadline()> in_time) {
  if (!query.order_key) {
    query.order_key = filter.order_key;
  }
  const auto wanted = query.limit;
  DeadPage found;
  do {
    // As many as still fit, so that the store's place for the next page is right after the last that is shown.
    query.limit = wanted - found.sends.size();
    auto page = co_await schedule.list_dead(query, in_time());
    // The oldest death comes first: after a send that died too late there is no older one.
    const bool is_past = filter.until && !page.sends.empty() && page.sends.back().died > *filter.until;
    std::copy_if(std::make_move_iterator(page.sends.begin()), std::make_move_iterator(page.sends.end()),
                 std::back_inserter(found.sends), [&](const DeadSend& dead) { return takes(filter, dead); });
    query.after = is_past ? std::string() : std::move(page.next);
  } while (!query.after.empty() && found.sends.size() < wanted);
  found.next = std::move(query.after);
  co_return found;
}

awaitable<void> redrive_all(AnyStorage schedule, DeadFilter filter, WallTime now, std::function<Deadline()> in_time,
                            std::function<void(std::vector<SendHandle>, StoreReceipt)> told) {
  filter.until = std::min(filter.until.value_or(now), now);
  DeadQuery query;
  query.limit = redriven_at_once;
  do {
    auto page = co_await list_dead(schedule, query, filter, in_time);
    StoreChanges changes;
    std::vector<SendHandle> handles;
    for (const auto& dead : page.sends) {
      handles.push_back(dead.send.handle);
      changes.edits.emplace_back(SendEdit::Kind::redrive, dead.send.handle, now);
    }
    if (!handles.empty()) {
      storage::hint_at_awaited_replies(changes);
      auto written = co_await schedule.write(std::move(changes), in_time());
      if (!written) {
        throw_error(errc::conflict, "The store refused to send dead ones again, as a conflict. Call it again.");
      }
      told(std::move(handles), std::move(*written));
    }
    query.after = std::move(page.next);
  } while (!query.after.empty());
}

}  // namespace tern::proactive

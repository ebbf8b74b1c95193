#include "tools/schedule/commands.hpp"

#include "app/without_secrets.hpp"
#include "proactive/dead_sends.hpp"
#include "storage/awaited_replies.hpp"
#include "tools/storage/tool_error.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace tern::tools {

namespace {

// For one operation of a store, which may have to look through all of it.
constexpr std::chrono::seconds patience{120};
constexpr std::size_t page_size = 1000;
constexpr std::size_t edits_at_once = 500;

Deadline in_time() {
  return Deadline::after(patience);
}

awaitable<SendPage> next_page(AnyStorage store, SendQuery query, const DeadFilter&) {
  return store.list_sends(std::move(query), in_time());
}

awaitable<DeadPage> next_page(AnyStorage store, DeadQuery query, const DeadFilter& filter) {
  return proactive::list_dead(std::move(store), std::move(query), filter, in_time);
}

template <class Query>
awaitable<std::uint64_t> list_pages(AnyStorage store, Listing listing, Printer& printer) {
  Query query;
  query.order_key = listing.conversation;
  std::uint64_t listed = 0;
  do {
    query.limit = static_cast<std::size_t>(std::min<std::uint64_t>(page_size, listing.limit - listed));
    auto page = co_await next_page(store, query, listing.dead);
    listed += page.sends.size();
    if (!page.sends.empty()) {
      printer.rows(page.sends);
    }
    query.after = std::move(page.next);
  } while (!query.after.empty() && listed < listing.limit);
  co_return listed;
}

awaitable<std::optional<DeadSend>> find_dead(AnyStorage store, SendHandle handle) {
  DeadQuery query;
  query.limit = page_size;
  do {
    auto page = co_await next_page(store, query, {});
    for (auto& dead : page.sends) {
      if (dead.send.handle.id == handle.id) {
        co_return std::move(dead);
      }
    }
    query.after = std::move(page.next);
  } while (!query.after.empty());
  co_return std::nullopt;
}

/// What an edit is called when it was done, and when it was not.
struct Words {
  const char* done;
  const char* not_done;
  const char* not_done_told;
};

constexpr Words words_of_cancel{"cancelled", "too_late",
                                "too late: it is being sent, was sent or cancelled, or never existed"};
constexpr Words words_of_redrive{"redriven", "not_found",
                                 "not dead: it was sent again or discarded, or never died; see dead"};
constexpr Words words_of_discard{"discarded", "not_found",
                                 "not dead: it was sent again or discarded, or never died; see dead"};

Words words_of(SendEdit::Kind kind) {
  return kind == SendEdit::Kind::cancel    ? words_of_cancel
         : kind == SendEdit::Kind::redrive ? words_of_redrive
                                           : words_of_discard;
}

/// Says what became of each edit; how many were done.
std::size_t tell(SendEdit::Kind kind, const std::vector<SendHandle>& handles, const StoreReceipt& receipt,
                 Printer& printer) {
  const auto words = words_of(kind);
  std::size_t count = 0;
  for (std::size_t i = 0; i < handles.size(); ++i) {
    const bool was_done = receipt.edits.at(i) == EditOutcome::done;
    count += was_done ? 1 : 0;
    printer.outcome(handles[i].to_string(), was_done ? words.done : words.not_done,
                    was_done ? words.done : words.not_done_told);
  }
  return count;
}

/// Makes the edits, all or nothing, and says what became of each; how many were done.
awaitable<std::size_t> edit_some(AnyStorage store, SendEdit::Kind kind, std::vector<SendHandle> handles,
                                 Printer& printer) {
  StoreChanges changes;
  const auto now = std::chrono::ceil<std::chrono::microseconds>(printer.now());
  for (const auto& handle : handles) {
    changes.edits.emplace_back(kind, handle, now);
  }
  storage::hint_at_awaited_replies(changes);
  auto written = co_await store.write(std::move(changes), in_time());
  if (!written) {
    throw ToolError("The store refused the change as a conflict, and nothing was changed. Run the command again.");
  }
  co_return tell(kind, handles, *written, printer);
}

awaitable<Status> edit_all(AnyStorage store, SendEdit::Kind kind, std::vector<SendHandle> handles, Printer& printer) {
  bool whole = true;
  for (std::size_t begin = 0; begin < handles.size(); begin += edits_at_once) {
    const auto end = std::min(handles.size(), begin + edits_at_once);
    std::vector<SendHandle> some(handles.begin() + static_cast<std::ptrdiff_t>(begin),
                                 handles.begin() + static_cast<std::ptrdiff_t>(end));
    const auto wanted = some.size();
    const auto count = co_await edit_some(store, kind, std::move(some), printer);
    whole = whole && count == wanted;
  }
  co_return whole ? done : failed;
}

}  // namespace

std::vector<SendHandle> parse_handles(const std::vector<std::string>& texts) {
  std::vector<SendHandle> handles;
  for (const auto& text : texts) {
    const auto handle = SendHandle::parse(text);
    if (!handle) {
      throw UsageError("\"" + printable(app::without_secrets(text), 60) +
                       "\" is no handle. Copy one from the first column of list or dead.");
    }
    const auto same = [&handle](const SendHandle& other) { return other.id == handle->id; };
    if (std::none_of(handles.begin(), handles.end(), same)) {
      handles.push_back(*handle);
    }
  }
  return handles;
}

awaitable<Status> list_pending(AnyStorage store, Listing listing, Printer& printer) {
  const auto listed = co_await list_pages<SendQuery>(std::move(store), std::move(listing), printer);
  if (listed == 0) {
    printer.remark("Nothing is pending.");
  }
  co_return done;
}

awaitable<Status> list_dead(AnyStorage store, Listing listing, Printer& printer) {
  const auto listed = co_await list_pages<DeadQuery>(std::move(store), std::move(listing), printer);
  if (listed == 0) {
    printer.remark("Nothing is dead.");
  }
  co_return done;
}

awaitable<Status> show(AnyStorage store, SendHandle handle, Printer& printer) {
  SendQuery query;
  query.handle = handle;
  query.limit = 1;
  auto page = co_await next_page(store, std::move(query), {});
  if (!page.sends.empty()) {
    printer.one(page.sends.front());
    co_return done;
  }
  auto dead = co_await find_dead(store, handle);
  if (dead) {
    printer.one(*dead);
    co_return done;
  }
  throw ToolError(handle.to_string() +
                  " is neither pending nor dead: it was sent, cancelled or discarded, or never existed in this store.");
}

awaitable<Status> cancel(AnyStorage store, std::vector<SendHandle> handles, Printer& printer) {
  return edit_all(std::move(store), SendEdit::Kind::cancel, std::move(handles), printer);
}

awaitable<Status> redrive(AnyStorage store, std::vector<SendHandle> handles, Printer& printer) {
  return edit_all(std::move(store), SendEdit::Kind::redrive, std::move(handles), printer);
}

awaitable<Status> redrive_all(AnyStorage store, DeadFilter filter, Printer& printer) {
  const auto now = std::chrono::ceil<std::chrono::microseconds>(printer.now());
  std::size_t count = 0;
  co_await proactive::redrive_all(std::move(store), std::move(filter), now, in_time,
                                  [&](const std::vector<SendHandle>& handles, const StoreReceipt& receipt) {
                                    count += tell(SendEdit::Kind::redrive, handles, receipt, printer);
                                  });
  printer.remark(count == 0 ? "Nothing of that kind is dead." : std::to_string(count) + " will be sent again.");
  co_return done;
}

awaitable<Status> discard(AnyStorage store, std::vector<SendHandle> handles, Printer& printer) {
  return edit_all(std::move(store), SendEdit::Kind::discard, std::move(handles), printer);
}

awaitable<Status> stats(AnyStorage store, Printer& printer) {
  auto counts = co_await store.count_sends(in_time());
  printer.counts(counts);
  co_return done;
}

}  // namespace tern::tools

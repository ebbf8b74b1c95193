#pragma once

#include "tools/schedule/printer.hpp"

#include <tern/storage/any_storage.hpp>
#include <tern/turn/proactive.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tern::tools {

/// Which sends to list.
struct Listing {
  std::optional<std::string> conversation;  ///< the order key; all when absent
  std::uint64_t limit = UINT64_MAX;
  DeadFilter dead;  ///< for dead sends only
};

/// The exit status of the program.
enum Status : int { done = 0, failed = 1, misused = 2 };

/// The handles of a command line, each once.
/// Errors: `UsageError` that names the first text that is no handle.
std::vector<SendHandle> parse_handles(const std::vector<std::string>& texts);

/// Each command reads or changes an open store and prints the result. `failed` means that a handle names no send that
/// could be shown or changed.
///
/// Lifetime: the printer outlives the command.
/// Errors: those of the store.
awaitable<Status> list_pending(AnyStorage store, Listing listing, Printer& printer);
awaitable<Status> list_dead(AnyStorage store, Listing listing, Printer& printer);
awaitable<Status> show(AnyStorage store, SendHandle handle, Printer& printer);
awaitable<Status> cancel(AnyStorage store, std::vector<SendHandle> handles, Printer& printer);
awaitable<Status> redrive(AnyStorage store, std::vector<SendHandle> handles, Printer& printer);
/// All dead sends that `filter` chooses and that had died when this began; a send that dies again meanwhile is not
/// sent a second time.
awaitable<Status> redrive_all(AnyStorage store, DeadFilter filter, Printer& printer);
awaitable<Status> discard(AnyStorage store, std::vector<SendHandle> handles, Printer& printer);
awaitable<Status> stats(AnyStorage store, Printer& printer);

}  // namespace tern::tools

#pragma once

#include "tools/storage/copy_sends.hpp"
#include "tools/storage/digest.hpp"
#include "tools/storage/progress.hpp"

#include <tern/storage/any_storage.hpp>

#include <cstdint>
#include <string>

namespace tern::tools {

struct CopyOptions {
  std::string source_id;     ///< tells one source from another: `StoreSpec::id`
  bool restart = false;      ///< forget what an earlier copy has done
  bool leave_sends = false;  ///< copy documents alone: sends and idempotency keys stay in the source
};

struct CopyReport {
  Totals totals;              ///< of the source, and of the target
  ScheduleTotals schedule;    ///< likewise; nothing with `leave_sends`
  std::uint64_t resumed = 0;  ///< documents that an earlier run had copied
};

/// Copies all documents, pending and dead sends and idempotency keys of `from` into `to`, which is empty, then reads
/// both again and compares counts and digests. Handles of sends stay valid.
///
/// Each batch is written together with a checkpoint, so that a copy that was cut short goes on where it stopped when
/// it is run again, on whatever machine. The checkpoint goes when the copy is found to be right. Nobody else may write
/// to either meanwhile. eTags are the target's own.
/// Errors: `ToolError` when the source has pending sends and the target keeps no schedule; when the target is not
/// empty or holds the beginning of another copy; and when the two differ in the end; `system_error` of the stores.
awaitable<CopyReport> copy(AnyStorage from, AnyStorage to, CopyOptions options, Progress& progress);

/// Reads a whole store; the tool's own keys are left out.
awaitable<Totals> add_up(AnyStorage store, std::string what, std::uint64_t expected, Progress& progress);

/// Whether there is no document but the tool's own, and no send.
awaitable<bool> is_empty(AnyStorage store);

}  // namespace tern::tools

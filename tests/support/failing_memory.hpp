#pragma once

#include <functional>

namespace tern::test {

/// What becomes of the allocations after the one that fails.
enum class Further { succeed, fail };

/// Runs `work`; its `nth` allocation on this thread fails. Whether there were so many.
///
/// The source has an `operator new` for the whole program. So it is in no library: a program that needs it names it
/// among its own sources.
bool fails_at(int nth, const std::function<void()>& work, Further further = Further::succeed);

}  // namespace tern::test

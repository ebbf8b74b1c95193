#pragma once

#include <functional>

namespace tern::auth::test {

/// Runs `work`; its `nth` allocation on this thread fails, and with `all` those after it too. Whether there were so
/// many. The program has an `operator new` of its own for this.
bool fails_at(int nth, bool all, const std::function<void()>& work);

}  // namespace tern::auth::test

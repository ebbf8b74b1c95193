#pragma once

#include <tern/storage/any_storage.hpp>

#include <functional>
#include <string>

namespace tern::fault {

/// The killed process: writes on and on, and tells each number on its standard output once it is confirmed. Does not
/// return.
void write_until_killed(AnyStorage store);

/// Starts this program again as `writer`, a disabled test that calls `write_until_killed` on the store that `place`
/// names (in TERN_FAULT_STORE), kills it with SIGKILL after a random number of confirmed writes, and looks with a store
/// of `open` whether any was lost or half applied. TERN_TEST_KILLS says how often; 8 when it says nothing.
/// Prints one line: the kills, the acknowledged writes, and what was lost.
void expect_confirmed_writes_outlive_kills(const std::string& writer, const std::string& place,
                                           const std::function<AnyStorage()>& open);

/// For `writer`: the place that it was given; "" when it runs as an ordinary test.
std::string writer_place();

}  // namespace tern::fault

#pragma once

#include <string>
#include <string_view>

namespace tern::storage {

/// A name for this process that no other has or had, for owners of slots: its host for those who read a shared store,
/// and enough to tell on the same machine whether the process is still there.
std::string process_name();

/// Whether a name is of a process of this machine, as this process sees it, that has ended. False in all doubt: another
/// machine, another container, a name of another make.
bool is_ended_neighbour(std::string_view name);

}  // namespace tern::storage

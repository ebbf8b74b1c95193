#pragma once

#include <string>
#include <string_view>

namespace tern::storage {

/// A name for this process, as an owner of slots, that no other process has or had. It has the host, for people who
/// read a shared store, and enough to find out on the same machine whether the process still runs.
std::string process_name();

/// Whether the process with this name ran on this machine, as this process sees it, and has ended. False in all doubt:
/// another machine, another container, a name of another form.
bool is_ended_neighbour(std::string_view name);

}  // namespace tern::storage

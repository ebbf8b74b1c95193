#pragma once

#include <cstddef>

namespace bench {

/// Raises this process's limit of open files, which its children inherit, as far as it may.
/// Errors: `std::runtime_error` when that is less than `needed`.
void raise_descriptors(std::size_t needed);

/// Keeps all threads of this process, those to come as well, off this core. Errors: `std::runtime_error` when there is
/// no other one.
void leave_core(int core);

}  // namespace bench

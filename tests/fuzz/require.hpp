#pragma once

#include <cstdio>
#include <cstdlib>

namespace tern::fuzz {

/// Ends the fuzzer, which keeps the input, when `holds` is false.
inline void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "this does not hold: %s\n", what);
    std::abort();
  }
}

}  // namespace tern::fuzz

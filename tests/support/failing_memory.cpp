#include "support/failing_memory.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

thread_local int allocations_left = 0;  // 0: none fails
thread_local bool all_after_it = false;

bool must_fail() noexcept {
  if (allocations_left == 0) {
    return false;
  }
  if (allocations_left > 1) {
    --allocations_left;
    return false;
  }
  allocations_left = all_after_it ? -1 : 0;
  return true;
}

}  // namespace

void* operator new(std::size_t bytes) {
  if (must_fail()) {
    throw std::bad_alloc();
  }
  if (void* memory = std::malloc(bytes > 0 ? bytes : 1)) {
    return memory;
  }
  throw std::bad_alloc();
}
void* operator new[](std::size_t bytes) {  // a sanitizer's own would not call the one above
  return operator new(bytes);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace tern::test {

bool fails_at(int nth, const std::function<void()>& work, Further further) {
  allocations_left = nth;
  all_after_it = further == Further::fail;
  try {
    work();
  } catch (const std::bad_alloc&) {
    // Seen below: nothing is left.
  }
  const bool failed = allocations_left <= 0;
  allocations_left = 0;
  all_after_it = false;
  return failed;
}

}  // namespace tern::test

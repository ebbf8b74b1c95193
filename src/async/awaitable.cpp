#include <tern/async/awaitable.hpp>

#include "async/running.hpp"
#include "pools/block_pool.hpp"

namespace tern::detail {

namespace {

struct CoroutineFrame;
constexpr std::size_t block_step = 16;  // small: a turn that waits for long holds its frames
constexpr std::size_t largest_block = 4096;
constexpr std::size_t most_bytes_of_blocks = 2U << 20;
using Frames = BlockPool<CoroutineFrame, block_step, largest_block, most_bytes_of_blocks>;

}  // namespace

void* take_frame(std::size_t bytes) {
  return Frames::allocate(bytes);
}

void give_frame(void* memory, std::size_t bytes) noexcept {
  Frames::deallocate(memory, bytes);
}

const Running* pause_running(const void* run) noexcept {
  return running_slot.pause(run);
}

void resume_running(const Running* running, const void* run) noexcept {
  running_slot.enter(running, run);
}

}  // namespace tern::detail

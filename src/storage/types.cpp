#include <tern/storage/types.hpp>

#include "pools/block_pool.hpp"

namespace tern::detail {

namespace {

struct StoreLists;
constexpr std::size_t block_step = 64;
constexpr std::size_t largest_block = 2048;
constexpr std::size_t most_bytes_of_blocks = 1U << 20;
using Blocks = BlockPool<StoreLists, block_step, largest_block, most_bytes_of_blocks>;

}  // namespace

void* take_block(std::size_t bytes) {
  return Blocks::allocate(bytes);
}

void give_block(void* memory, std::size_t bytes) noexcept {
  Blocks::deallocate(memory, bytes);
}

}  // namespace tern::detail

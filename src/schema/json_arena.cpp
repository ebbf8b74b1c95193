#include "schema/json_arena.hpp"

#include "pools/block_pool.hpp"

#include <algorithm>
#include <cstdint>
#include <new>
#include <utility>

namespace tern::detail {

namespace {

/// The memory for the values of an activity, in quarters of the bytes of its text. Measured with activities of clients.
constexpr std::size_t quarters_for_text = 11;
constexpr std::size_t smallest_chunk = 512;

constexpr std::size_t step = 64;
constexpr std::size_t largest = 8192;
constexpr std::size_t most = 2U << 20;
using Blocks = BlockPool<JsonArena, step, largest, most>;

std::byte* aligned(std::byte* place, std::size_t alignment) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(place);
  return place + (-address & (alignment - 1));
}

}  // namespace

JsonArenaPtr JsonArena::make(std::size_t text_bytes) {
  const auto bytes = sizeof(JsonArena) + std::max(text_bytes * quarters_for_text / 4, smallest_chunk);
  auto* const memory = static_cast<std::byte*>(Blocks::allocate(bytes));
  return JsonArenaPtr(new (memory) JsonArena(memory + sizeof(JsonArena), memory + bytes, bytes));
}

void JsonArenaDeleter::operator()(JsonArena* arena) const noexcept {
  auto* chunk = arena->chunks_;
  const auto bytes = arena->bytes_;
  arena->~JsonArena();
  Blocks::deallocate(arena, bytes);
  while (chunk != nullptr) {
    ::operator delete(std::exchange(chunk, chunk->before));
  }
}

void* JsonArena::do_allocate(std::size_t bytes, std::size_t alignment) {
  auto* place = aligned(next_, alignment);
  if (place > end_ || static_cast<std::size_t>(end_ - place) < bytes) {
    grow(bytes);
    place = next_;  // aligned for every type
  }
  next_ = place + bytes;
  return place;
}

void JsonArena::grow(std::size_t bytes) {
  constexpr std::size_t header = (sizeof(Chunk) + alignof(std::max_align_t) - 1) & ~(alignof(std::max_align_t) - 1);
  const auto size = header + std::max(bytes, smallest_chunk);
  auto* const memory = static_cast<std::byte*>(::operator new(size));
  chunks_ = new (memory) Chunk{chunks_};
  next_ = memory + header;
  end_ = memory + size;
}

}  // namespace tern::detail

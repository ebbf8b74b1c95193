#include "pools/block_pool.hpp"

#include <tern/schema/json_object.hpp>

#include <boost/json/memory_resource.hpp>

#include <cstddef>
#include <new>

namespace tern::detail {
namespace {

constexpr std::size_t step = 16;
constexpr std::size_t largest = 512;
constexpr std::size_t most = 1U << 20;

class JsonPool final : public boost::json::memory_resource {
  using Blocks = BlockPool<JsonPool, step, largest, most>;

  void* do_allocate(std::size_t size, std::size_t alignment) override {
    return alignment > step ? ::operator new(size) : Blocks::allocate(size);
  }
  void do_deallocate(void* memory, std::size_t size, std::size_t alignment) override {
    if (alignment > step) {
      ::operator delete(memory);
    } else {
      Blocks::deallocate(memory, size);
    }
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

}  // namespace

// A turn makes and frees about a hundred JSON values. The C library's thread cache holds seven blocks of a size, and
// its allocator took a quarter of the turn's time. This pool is not bound to a turn: a bot may keep the values that it
// copies out of an activity, and free them on any thread. A thread keeps at most `most` bytes, in blocks of up to
// `largest` bytes.
boost::json::storage_ptr json_pool() noexcept {
  // Never destroyed, because destructors of other static objects may free values later.
  alignas(JsonPool) static unsigned char memory[sizeof(JsonPool)];
  static JsonPool* const pool = new (memory) JsonPool;
  return boost::json::storage_ptr(pool);
}

}  // namespace tern::detail

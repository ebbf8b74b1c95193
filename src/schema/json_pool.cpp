#include <tern/schema/json_pool.hpp>

#include <tern/schema/block_pool.hpp>

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

boost::json::storage_ptr json_pool() noexcept {
  // Never destroyed: values may be freed by the destructors of other statics.
  alignas(JsonPool) static unsigned char place[sizeof(JsonPool)];
  static JsonPool* const pool = new (place) JsonPool;
  return boost::json::storage_ptr(pool);
}

}  // namespace tern::detail

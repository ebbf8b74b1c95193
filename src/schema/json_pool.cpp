#include <tern/schema/json_pool.hpp>

#include <boost/json/memory_resource.hpp>

#include <array>
#include <cstddef>
#include <new>
#include <utility>

namespace tern::detail {
namespace {

constexpr std::size_t step = 16;
constexpr std::size_t largest = 512;
constexpr std::size_t classes = largest / step;
constexpr std::size_t kept = 256;

// Under AddressSanitizer every block is a fresh one, so that it sees a use after free.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool pooled = false;
#else
constexpr bool pooled = true;
#endif
#elif defined(__SANITIZE_ADDRESS__)
constexpr bool pooled = false;
#else
constexpr bool pooled = true;
#endif

struct Block {
  Block* next;
};

struct Shelf {
  Block* first = nullptr;
  std::size_t count = 0;
};

/// The blocks that a thread keeps. Trivial, so that it may be used while the thread's other objects are destroyed.
struct Cache {
  std::array<Shelf, classes> shelves;
  bool closed;
};

constinit thread_local Cache cache{};

/// Gives the blocks back when the thread ends; what is freed after that goes straight back.
struct Closer {
  ~Closer() {
    cache.closed = true;
    for (auto& shelf : cache.shelves) {
      while (shelf.first != nullptr) {
        ::operator delete(std::exchange(shelf.first, shelf.first->next));
      }
    }
  }
  void touch() const noexcept {}
};

thread_local const Closer closer;

class JsonPool final : public boost::json::memory_resource {
  void* do_allocate(std::size_t size, std::size_t alignment) override {
    const std::size_t index = (size + step - 1) / step;
    if (!pooled || index == 0 || index > classes || alignment > step) {
      return ::operator new(size);
    }
    auto& shelf = cache.shelves[index - 1];
    if (shelf.first == nullptr) {
      return ::operator new(index * step);
    }
    --shelf.count;
    return std::exchange(shelf.first, shelf.first->next);
  }

  void do_deallocate(void* memory, std::size_t size, std::size_t alignment) override {
    const std::size_t index = (size + step - 1) / step;
    if (!pooled || index == 0 || index > classes || alignment > step || cache.closed) {
      ::operator delete(memory);
      return;
    }
    auto& shelf = cache.shelves[index - 1];
    if (shelf.count >= kept) {
      ::operator delete(memory);
      return;
    }
    if (shelf.first == nullptr) {
      closer.touch();  // sees to it that the thread's end gives the blocks back
    }
    shelf.first = new (memory) Block{shelf.first};
    ++shelf.count;
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

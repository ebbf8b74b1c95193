#pragma once

#include <array>
#include <cstddef>
#include <new>
#include <utility>

namespace tern::detail {

// Under AddressSanitizer and its like every block is a fresh one, so that they see a use after free.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(hwaddress_sanitizer) || __has_feature(memory_sanitizer)
inline constexpr bool blocks_are_pooled = false;
#else
inline constexpr bool blocks_are_pooled = true;
#endif
#elif defined(__SANITIZE_ADDRESS__)
inline constexpr bool blocks_are_pooled = false;
#else
inline constexpr bool blocks_are_pooled = true;
#endif

/// Blocks of memory that each thread keeps for its next ones, in steps of `Step` bytes up to `Largest`, and at most
/// `Most` bytes in all. What is larger, or more, goes to the heap. `Tag` tells pools of the same sizes apart.
///
/// Many turns that wait at once hold many blocks of a few sizes; the heap keeps seven of a size at hand, none above a
/// kilobyte, and searches and joins its chunks for the rest.
///
/// Thread safety: any thread; a block may be given back on another thread than it was taken on.
template <class Tag, std::size_t Step, std::size_t Largest, std::size_t Most>
class BlockPool {
 public:
  /// Aligned for everything.
  static void* allocate(std::size_t size) {
    const auto index = index_of(size);
    if (index == 0 || index > classes) {
      return ::operator new(size);
    }
    auto& shelf = cache_.shelves[index - 1];
    // As large as all of its class also when it is not pooled: a bot that is built with a sanitizer may give it to a
    // library that is not.
    if (!blocks_are_pooled || shelf == nullptr) {
      return ::operator new(index * Step);
    }
    cache_.bytes -= index * Step;
    return std::exchange(shelf, shelf->next);
  }

  /// `size`: what it was allocated with.
  static void deallocate(void* memory, std::size_t size) noexcept {
    const auto index = index_of(size);
    if (!blocks_are_pooled || index == 0 || index > classes || cache_.closed || cache_.bytes + index * Step > Most) {
      ::operator delete(memory);
      return;
    }
    if (cache_.bytes == 0) {
      closer_.touch();  // sees to it that the thread's end gives the blocks back
    }
    auto& shelf = cache_.shelves[index - 1];
    shelf = new (memory) Block{shelf};
    cache_.bytes += index * Step;
  }

 private:
  static_assert(Step >= sizeof(void*) && Largest % Step == 0);
  static constexpr std::size_t classes = Largest / Step;
  static constexpr std::size_t index_of(std::size_t size) noexcept { return (size + Step - 1) / Step; }

  struct Block {
    Block* next;
  };
  /// The blocks that a thread keeps. Trivial, so that it may be used while the thread's other objects are destroyed.
  struct Cache {
    std::array<Block*, classes> shelves;
    std::size_t bytes;
    bool closed;
  };
  /// Gives the blocks back when the thread ends; what is freed after that goes straight back.
  struct Closer {
    ~Closer() {
      cache_.closed = true;
      for (auto& shelf : cache_.shelves) {
        while (shelf != nullptr) {
          ::operator delete(std::exchange(shelf, shelf->next));
        }
      }
    }
    void touch() const noexcept {}
  };

  static inline constinit thread_local Cache cache_{};
  static inline thread_local const Closer closer_;
};

struct PooledContainers;

/// The memory of containers that each turn makes.
template <class T>
class PoolAllocator {
 public:
  using value_type = T;

  PoolAllocator() = default;
  template <class U>
  PoolAllocator(const PoolAllocator<U>&) noexcept {}

  T* allocate(std::size_t count) { return static_cast<T*>(Blocks::allocate(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t count) noexcept { Blocks::deallocate(memory, count * sizeof(T)); }
  friend bool operator==(const PoolAllocator&, const PoolAllocator&) noexcept { return true; }

 private:
  static constexpr std::size_t block_step = 64;
  static constexpr std::size_t largest_block = 2048;
  static constexpr std::size_t most_bytes_of_blocks = 1U << 20;
  using Blocks = BlockPool<PooledContainers, block_step, largest_block, most_bytes_of_blocks>;
};

/// A base of what each turn allocates one of: `class Turn : Pooled<Turn>`. `T` is final, or has no virtual functions.
template <class T>
class Pooled {
  using Blocks = BlockPool<T, 64, 2048, (1U << 20)>;

 public:
  static void* operator new(std::size_t size) { return Blocks::allocate(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { Blocks::deallocate(memory, size); }

 private:
  friend T;
  Pooled() = default;
  ~Pooled() = default;
};

}  // namespace tern::detail

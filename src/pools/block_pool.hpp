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
    if (blocks_are_pooled && index < classes) [[likely]] {
      auto& cache = *cache_;
      if (auto* const block = cache.shelves[index]) [[likely]] {
        cache.shelves[index] = block->next;
        cache.bytes -= bytes_of(index);
        return block;
      }
    }
    return allocate_anew(size);
  }

  /// `size`: what it was allocated with.
  static void deallocate(void* memory, std::size_t size) noexcept {
    const auto index = index_of(size);
    if (blocks_are_pooled && index < classes) [[likely]] {
      auto& cache = *cache_;
      // There is room for it, and it is not the first.
      if (cache.bytes - 1 < Most - bytes_of(index)) [[likely]] {
        keep(cache, memory, index);
        return;
      }
    }
    deallocate_first(memory, size);
  }

 private:
  static_assert(Step >= sizeof(void*) && Largest % Step == 0 && Most >= Largest);
  static constexpr std::size_t classes = Largest / Step;
  // A block of no bytes is not pooled: its index is beyond all.
  static constexpr std::size_t index_of(std::size_t size) noexcept { return (size - 1) / Step; }
  static constexpr std::size_t bytes_of(std::size_t index) noexcept { return (index + 1) * Step; }

  struct Block {
    Block* next;
  };
  /// The blocks that a thread keeps.
  struct Cache {
    std::array<Block*, classes> shelves;
    std::size_t bytes;
  };

  static void keep(Cache& cache, void* memory, std::size_t index) noexcept {
    cache.shelves[index] = new (memory) Block{cache.shelves[index]};
    cache.bytes += bytes_of(index);
  }

  // What is rare stands apart, so that what is not saves no registers for it.
  // As large as all of its class also when it is not pooled: what takes it may be built with a sanitizer, and what
  // gives it back without one.
  [[gnu::noinline]] static void* allocate_anew(std::size_t size) {
    const auto index = index_of(size);
    return ::operator new(index < classes ? bytes_of(index) : size);
  }
  [[gnu::noinline]] static void deallocate_first(void* memory, std::size_t size) noexcept {
    const auto index = index_of(size);
    if (!blocks_are_pooled || index >= classes || cache_->bytes + bytes_of(index) > Most || !open()) {
      ::operator delete(memory);
      return;
    }
    keep(*cache_, memory, index);
  }

  /// Whether this thread keeps blocks; it does from the first that it gives back until it ends.
  static bool open() noexcept {
    if (cache_ == &none_) {
      if (auto* const cache = new (std::nothrow) Cache{}) {
        cache_ = cache;
        closer_.touch();
      }
    }
    return cache_ != &none_ && cache_ != &closed_;
  }
  /// Gives the blocks back when the thread ends; what is freed after that goes straight back.
  struct Closer {
    ~Closer() {
      auto* const cache = std::exchange(cache_, &closed_);
      for (auto& shelf : cache->shelves) {
        while (shelf != nullptr) {
          ::operator delete(std::exchange(shelf, shelf->next));
        }
      }
      delete cache;
    }
    void touch() const noexcept {}
  };

  // Of threads that keep nothing yet, and of those that keep nothing any more: empty, and full for `deallocate`.
  static inline constinit Cache none_{};
  static inline constinit Cache closed_{};
  // A pointer, and not the shelves: so little may stand in the memory that a thread begins with even when a library is
  // loaded late, and it is found without a call, before which registers would have to be saved.
  [[gnu::tls_model("initial-exec")]] static inline constinit thread_local Cache* cache_ = &none_;
  static inline thread_local const Closer closer_;
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

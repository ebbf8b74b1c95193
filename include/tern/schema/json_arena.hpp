#pragma once

#include <boost/json/memory_resource.hpp>
#include <boost/json/storage_ptr.hpp>

#include <cstddef>
#include <memory>

namespace tern::detail {

class JsonArena;

struct JsonArenaDeleter {
  void operator()(JsonArena* arena) const noexcept;
};
using JsonArenaPtr = std::unique_ptr<JsonArena, JsonArenaDeleter>;

/// The memory of one parsed activity, in one piece that is freed at once.
///
/// With a block for each name and string, an activity in memory was four times its text, and a tenth of a turn went
/// into freeing it. What lives here must not be moved out: see `JsonObject`, which alone makes use of it.
///
/// Thread safety: none, as the values in it.
class JsonArena final : public boost::json::memory_resource {
 public:
  /// An arena for what `text_bytes` of JSON become. It grows when that is not enough.
  static JsonArenaPtr make(std::size_t text_bytes);

  JsonArena(const JsonArena&) = delete;
  JsonArena& operator=(const JsonArena&) = delete;

 private:
  struct Chunk {
    Chunk* before;
  };
  friend struct JsonArenaDeleter;

  JsonArena(std::byte* first, std::byte* end, std::size_t bytes) noexcept : next_(first), end_(end), bytes_(bytes) {}
  ~JsonArena() override = default;

  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
  void grow(std::size_t bytes);

  std::byte* next_;
  std::byte* end_;
  std::size_t bytes_;        // of the first chunk, with the arena itself
  Chunk* chunks_ = nullptr;  // those after the first, in which the arena itself stands
};

}  // namespace tern::detail

/// Boost.JSON then destroys a value without a look at what it holds.
template <>
struct boost::json::is_deallocate_trivial<tern::detail::JsonArena> {
  static constexpr bool value = true;
};

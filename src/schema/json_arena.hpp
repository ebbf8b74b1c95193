#pragma once

#include <tern/schema/json_object.hpp>

#include <boost/json/memory_resource.hpp>

#include <cstddef>

namespace tern::detail {

/// The memory of one parsed activity, in one piece that is freed at once.
///
/// With a block for each name and string, an activity took four times the memory of its text, and freeing it took a
/// tenth of a turn's time. Values in an arena must not be moved out of it: only `JsonObject` uses arenas, and keeps
/// this rule.
///
/// Thread safety: none, as for the values in it.
class JsonArena final : public boost::json::memory_resource {
 public:
  /// An arena for the values of `text_bytes` bytes of JSON. It grows when they need more.
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
  std::size_t bytes_;        // size of the first chunk, which also holds the arena itself
  Chunk* chunks_ = nullptr;  // the chunks after the first
};

}  // namespace tern::detail

/// @cond
/// Lets Boost.JSON destroy a value without visiting its members.
template <>
struct boost::json::is_deallocate_trivial<tern::detail::JsonArena> {
  static constexpr bool value = true;
};
/// @endcond

#pragma once

#include <tern/async/clock.hpp>
#include <tern/storage/schedule_types.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace tern::proactive {

/// The entries that came within the last moment. A commit of this process comes to it at once, and a second time from
/// the store's inbox. An entry that is remembered here is not looked up again.
///
/// Thread safety: none.
class RecentEntries {
 public:
  /// An entry is remembered for this time, longer than the inbox takes, and forgotten with the first that is added
  /// twice as long after it or later.
  static constexpr std::chrono::milliseconds kept{250};

  void add(const DueEntry& entry, SteadyTime now);
  /// Whether it came already. If so, it is noted that it came again.
  bool came_again(const DueEntry& entry) noexcept;
  /// The store had nothing to hand out for it, perhaps because it was just being edited: when it comes again, it is
  /// new. True when it has come again already.
  bool forget(const DueEntry& entry) noexcept;
  std::size_t size() const noexcept { return young_.size() + old_.size(); }

 private:
  struct Name {
    std::array<std::uint8_t, 16> id{};
    std::uint32_t generation = 0;
    std::uint16_t attempt = 0;
    friend bool operator==(const Name&, const Name&) = default;
  };
  struct Hash {
    std::size_t operator()(const Name& name) const noexcept;
  };
  using Names = boost::unordered_flat_map<Name, bool, Hash>;  // whether it came again

  static Name name_of(const DueEntry& entry) noexcept { return {entry.id, entry.generation, entry.attempt}; }

  Names young_;
  Names old_;
  SteadyTime young_since_{};
};

}  // namespace tern::proactive

#pragma once

#include <tern/turn/turn_context.hpp>

#include <cstddef>
#include <memory>
#include <string_view>

namespace tern::detail {

struct TurnEnvironment;
class TurnOutput;

/// The contexts of a shard's turns.
///
/// A bot may keep a reference to its turn for longer than the turn, which is a mistake. In memory that is given to
/// something else it would be the reference to whatever came there: to the turn of another user, whom it then wrote to.
/// So the memory of a context stays one. At its end a context stays in place and says so to whoever uses it, and its
/// slot rests: while background work of its turn runs, and while the next `most_resting` turns end. Then another turn
/// may have it.
///
/// In steady use it goes around the same slots, which stay in the processor's cache.
/// Lifetime: whoever holds a slot keeps all of them.
/// Thread safety: none; one for each shard.
class TurnSlots : public std::enable_shared_from_this<TurnSlots> {
 public:
  static constexpr std::size_t most_resting = 64;

  TurnSlots() = default;
  ~TurnSlots();
  TurnSlots(const TurnSlots&) = delete;
  TurnSlots& operator=(const TurnSlots&) = delete;

  /// `id`: the activity's, which names the turn when it is used after its end. A view into the activity will do, since
  /// its members stay where they are when it is moved.
  TurnContext& begin(TurnEnvironment& environment, Activity activity, std::string_view id, TurnOutput& output);
  void end(TurnContext& context) noexcept;

  /// Work that was begun in a turn, and may use its context for as long as this is there.
  class Hold {
   public:
    Hold(std::shared_ptr<TurnSlots> slots, TurnContext& context) noexcept;
    ~Hold();
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    std::shared_ptr<TurnSlots> slots_;
    TurnContext& context_;
  };

 private:
  /// A turn that runs, or one that has ended.
  struct Slot final : TurnContext {
    using TurnContext::TurnContext;
    Slot* next = nullptr;
    std::size_t held = 0;
  };
  /// Kept for the next turns; what a burst has left beyond it is given back.
  static constexpr std::size_t most_free = 1024;

  void rest(Slot& slot) noexcept;
  void release(Slot& slot) noexcept;
  static void destroy(Slot* slot) noexcept;

  Slot* first_resting_ = nullptr;
  Slot* last_resting_ = nullptr;
  std::size_t resting_ = 0;
  Slot* free_ = nullptr;  // the one that rested last first
  std::size_t free_count_ = 0;
};

}  // namespace tern::detail

#pragma once

#include <tern/turn/turn_context.hpp>

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

namespace tern::detail {

struct TurnEnvironment;
class TurnOutput;

/// The memory for the contexts of a shard's turns.
///
/// A bot may keep a reference to its turn for longer than the turn, by mistake. If the memory were used for something
/// else, the reference could lead to the turn of another user, and the bot would write to that user. So this memory is
/// only used for contexts. An ended context stays in its slot, and throws when it is used. The slot rests while
/// background work of the turn runs, and until the next `most_resting` turns have ended. Then another turn may use it.
///
/// In steady use the same slots are used in turn, and stay in the processor's cache.
/// Lifetime: each `Pin` keeps all slots alive.
/// Thread safety: none; each shard has its own.
class TurnSlots : public std::enable_shared_from_this<TurnSlots> {
 public:
  static constexpr std::size_t most_resting = 64;

  TurnSlots() = default;
  ~TurnSlots();
  TurnSlots(const TurnSlots&) = delete;
  TurnSlots& operator=(const TurnSlots&) = delete;

  /// `id`: the id of the activity, for the message about a use after the turn's end. It may be a view into the
  /// activity, because moving an activity does not move its members.
  TurnContext& begin(TurnEnvironment& environment, Activity&& activity, std::string_view id, TurnOutput& output);
  void end(TurnContext& context) noexcept;
  /// Sets the caller that has sent the activity of the turn.
  static void identify(TurnContext& context, std::shared_ptr<const Identity> caller) noexcept {
    context.identity_ = std::move(caller);
  }

  /// Keeps the context of an ended turn in its slot while background work of the turn may use it.
  class Pin {
   public:
    Pin(std::shared_ptr<TurnSlots> slots, TurnContext& context) noexcept;
    ~Pin();
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;

   private:
    std::shared_ptr<TurnSlots> slots_;
    TurnContext& context_;
  };

 private:
  /// The context of a turn that runs or has ended.
  struct Slot final : TurnContext {
    using TurnContext::TurnContext;
    Slot* next = nullptr;
    std::size_t pins = 0;
  };
  /// The most free slots that are kept. Slots beyond that, after a burst, are freed.
  static constexpr std::size_t most_free = 1024;

  void rest(Slot& slot) noexcept;
  void release(Slot& slot) noexcept;
  static void destroy(Slot* slot) noexcept;

  Slot* first_resting_ = nullptr;
  Slot* last_resting_ = nullptr;
  std::size_t resting_ = 0;
  Slot* free_ = nullptr;  // the slot that was freed last first
  std::size_t free_count_ = 0;
};

}  // namespace tern::detail

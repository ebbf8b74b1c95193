#pragma once

#include <tern/turn/turn_context.hpp>

namespace tern::detail {

/// Gives the framework the parts of a turn that bots do not see.
struct TurnAccess {
  /// The changes of the turn. Errors: `errc::turn_ended`.
  static UnitOfWork& unit_of_work(TurnContext& turn) { return turn.unit_of_work(); }
  /// Whether the turn has changed anything yet.
  static bool has_unit_of_work(const TurnContext& turn) noexcept { return turn.work_ != nullptr; }
  /// The parts that serve the turn. Errors: `errc::turn_ended`.
  static TurnEnvironment& environment(TurnContext& turn) {
    turn.require_running();
    return turn.environment_;
  }
  /// Who has sent the activity; nullptr when nobody was asked.
  static const Identity* caller(const TurnContext& turn) noexcept { return turn.identity_.get(); }
  /// Drops the invoke response of a handler that has failed. Called before `Bot::on_turn_error`.
  static void forget_invoke_response(TurnContext& turn) noexcept { turn.invoke_response_.reset(); }
};

}  // namespace tern::detail

#pragma once

#include <tern/storage/any_storage.hpp>

#include <cstdint>
#include <string>

namespace tern::tools {

/// The sends of a store, which an export does not have, and a copy has in part.
struct LeftSends {
  std::uint64_t pending = 0;
  std::uint64_t dead = 0;  ///< kept, and could be sent again

  /// Such as "3 pending sends and 1 dead one"; "" for none.
  std::string text() const;
};

/// None for a store without a schedule.
/// Errors: `system_error` of the store.
awaitable<LeftSends> left_sends(AnyStorage store);

}  // namespace tern::tools

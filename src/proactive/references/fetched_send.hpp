#pragma once

#include "proactive/references/reference_ids.hpp"

#include <tern/storage/schedule_types.hpp>

#include <optional>
#include <utility>

namespace tern::proactive {

/// A send from the store, and the ids of its reference, which several steps of firing it need.
struct FetchedSend {
  explicit FetchedSend(ScheduledSend stored) : send(std::move(stored)), ids(ReferenceIds::parse(send.reference)) {}

  ScheduledSend send;
  std::optional<ReferenceIds> ids;  ///< of `send.reference`; nullopt when that is no JSON object
};

}  // namespace tern::proactive

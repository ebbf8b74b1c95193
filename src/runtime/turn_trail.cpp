#include "runtime/turn_trail.hpp"

#include <boost/json/serialize.hpp>

namespace tern::runtime {

awaitable<bool> TurnTrail::take_into(std::shared_ptr<StreamedReplies> stream, Activity activity) {
  while (stream->full()) {
    co_await stream->room();
  }
  if (!stream->is_read()) {
    co_return false;
  }
  stream->add(json::serialize(activity.json()));
  co_return true;
}

}  // namespace tern::runtime

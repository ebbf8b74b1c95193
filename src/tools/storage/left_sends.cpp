#include "tools/storage/left_sends.hpp"

#include "tools/storage/pages.hpp"

namespace tern::tools {

std::string LeftSends::text() const {
  std::string text;
  if (pending > 0) {
    text = std::to_string(pending) + (pending == 1 ? " pending send" : " pending sends");
  }
  if (dead > 0) {
    text += (text.empty() ? "" : " and ") + std::to_string(dead) + (dead == 1 ? " dead one" : " dead ones");
  }
  return text;
}

awaitable<LeftSends> left_sends(AnyStorage store) {
  LeftSends left;
  if (store.schedules()) {
    const auto counts = co_await store.count_sends(Deadline::after(patience));
    left.pending = counts.pending;
    left.dead = counts.kept_dead;
  }
  co_return left;
}

}  // namespace tern::tools

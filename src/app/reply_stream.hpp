#pragma once

#include "http/http_types.hpp"
#include "runtime/streamed_replies.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tern::app {

/// The replies of a turn with `deliveryMode: stream` as the body of a response.
///
/// The runtime does not acknowledge (202) or cut such a turn: its client sees that it goes on.
/// Thread safety: none; on its shard.
class ReplyStream final : public http::BodySource {
 public:
  explicit ReplyStream(std::unique_ptr<runtime::ReplyReader> replies) : replies_(std::move(replies)) {}

  awaitable<std::optional<std::string>> next() override { return replies_->next(); }

 private:
  std::unique_ptr<runtime::ReplyReader> replies_;
};

}  // namespace tern::app

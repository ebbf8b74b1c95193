#pragma once

#include "app/client_gate.hpp"
#include "http/http_types.hpp"
#include "runtime/streamed_replies.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tern::app {

/// The replies of a turn with `deliveryMode: stream`, as the body of a response.
///
/// The request counts for its client (`ClientGate`) until the stream and its turn have ended.
/// Thread safety: none; used on its shard.
class ReplyStream final : public http::BodySource {
 public:
  ReplyStream(std::unique_ptr<runtime::ReplyReader> replies, std::shared_ptr<ClientGate::Place> place)
      : replies_(std::move(replies)), place_(std::move(place)) {}

  awaitable<std::optional<std::string>> next() override { return replies_->next(); }

 private:
  std::unique_ptr<runtime::ReplyReader> replies_;
  std::shared_ptr<ClientGate::Place> place_;  // nullptr without a limit
};

}  // namespace tern::app

#pragma once

#include "app/client_gate.hpp"
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
/// It keeps its client's place until its end.
/// Thread safety: none; on its shard.
class ReplyStream final : public http::BodySource {
 public:
  ReplyStream(std::unique_ptr<runtime::ReplyReader> replies, ClientGate::Place place)
      : replies_(std::move(replies)), place_(std::move(place)) {}

  awaitable<std::optional<std::string>> next() override { return replies_->next(); }

 private:
  std::unique_ptr<runtime::ReplyReader> replies_;
  ClientGate::Place place_;
};

}  // namespace tern::app

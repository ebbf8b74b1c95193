#pragma once

#include "runtime/streamed_replies.hpp"

#include <tern/async/awaitable.hpp>

#include <boost/json/value.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tern::runtime {

/// The events of a stream of replies, one by one, for a reader in the process.
///
/// Thread safety: none; used on one shard.
class ReplyEvents {
 public:
  struct Event {
    std::string name;  ///< `activity`, `invokeResponse` or `error`
    std::string data;  ///< JSON
  };

  explicit ReplyEvents(std::unique_ptr<ReplyReader> reader) : reader_(std::move(reader)) {}

  /// As `ReplyReader::run`.
  const std::string& run() const noexcept { return reader_->run(); }
  /// As `ReplyReader::begin`.
  awaitable<std::optional<TurnReply>> begin() { return reader_->begin(); }
  /// Waits for the next event; nullopt at the end. Each call says that the event of the call before is dealt with.
  /// Errors and cancellation: as for `ReplyReader::next`.
  awaitable<std::optional<Event>> next();

 private:
  std::unique_ptr<ReplyReader> reader_;
  std::string text_;      // what was read of the stream
  std::size_t read_ = 0;  // how much of it was returned
};

/// Parses JSON that this process has written, which may be nested deeper than JSON from outside.
json::value parse_own_json(std::string_view text);

}  // namespace tern::runtime

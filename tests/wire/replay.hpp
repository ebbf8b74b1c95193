#pragma once

#include "wire/capture_reader.hpp"

#include <boost/json/value.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::wire {

/// A request that the bot must send to its channel.
struct ExpectedSend {
  std::string method;
  std::string target;
  std::optional<std::string> content_type;
  std::optional<std::string> conversation_header;  ///< x-ms-conversation-id
  boost::json::value body;                         ///< null: none
};

/// What the bot must answer and send.
struct Expectation {
  enum class Body {
    empty,
    error,  ///< `{"error":{"code","message"}}`
    json,   ///< `json`
    events  ///< server-sent events of the name `activity`, one for each item of the array `json`
  };

  unsigned status = 0;
  Body body = Body::empty;
  boost::json::value json;
  bool allow = false;                     ///< the header Allow names POST
  std::chrono::milliseconds at_least{0};  ///< the answer does not come earlier
  std::vector<ExpectedSend> sends;
  std::vector<std::string> reasons;  ///< for each difference from the capture: the sentence that demands it
};

/// A capture made ready to be sent again.
struct Replay {
  std::string bytes;
  bool head = false;
  Expectation expected;
};

/// Prepares `capture` for a channel at `channel_url`: addresses are replaced, the activity's id gets the suffix
/// `fresh`, cut bodies are made whole with the help of `message`, the capture of a plain message. What protocol.md
/// says otherwise than the capture is in the expectation, with its reason.
/// Errors: `std::runtime_error` for a capture that cannot be made whole.
Replay make_replay(const Capture& capture, const Capture& message, const std::string& channel_url,
                   const std::string& fresh);

/// The request's body as it was sent, where the file shows only its beginning.
std::string whole_body(const Capture& capture, const Capture& message);

}  // namespace tern::wire

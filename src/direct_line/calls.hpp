#pragma once

#include "http/http_types.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace tern::direct_line {

/// A call of Direct Line 3.0.
enum class Call : std::uint8_t {
  generate_token,  ///< POST tokens/generate
  refresh_token,   ///< POST tokens/refresh
  begin,           ///< POST conversations
  reconnect,       ///< GET conversations/ID
  get_activities,  ///< GET conversations/ID/activities
  post_activity,   ///< POST conversations/ID/activities
  upload,          ///< POST conversations/ID/upload
  stream,          ///< GET conversations/ID/stream
  session_id,      ///< GET session/getsessionid
  attachment,      ///< GET attachments/ID/NAME
  nothing,         ///< there is nothing at this path
  other_method     ///< the path has other methods
};

/// What a request asks for. The views are into the path.
struct MatchedCall {
  Call call = Call::nothing;
  std::string_view id;     ///< of the conversation or the file
  std::string_view allow;  ///< for `other_method`: the header Allow
};

/// Finds the call of a request. An id that Direct Line never gives is nothing, however it is encoded.
MatchedCall match_call(http::Method method, std::string_view path);

/// Whether the text may be an id that Direct Line has given: 22 characters of base64url.
bool is_id(std::string_view text) noexcept;

/// The decoded value of a parameter of a query; "" when it is absent.
std::string query_value(std::string_view query, std::string_view name);

}  // namespace tern::direct_line

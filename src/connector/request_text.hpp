#pragma once

#include "turn/path_segment.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serializer.hpp>

#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <utility>

namespace tern::connector {

/// The parts of a request to the connector API. Lifetime: the views are valid during `RequestWriter::write`.
struct RequestParts {
  std::string_view method;
  std::string_view host;            ///< the Host header
  std::string_view base_path;       ///< the path of the serviceUrl, without a slash at its end
  std::string_view conversation;    ///< "" for `POST /v3/conversations`
  std::string_view activity;        ///< "" without one
  std::string_view authorization;   ///< `Authorization`; "" without one
  std::string_view request_id;      ///< `x-ms-client-request-id`; "" makes a new one
  bool names_conversation = false;  ///< adds `x-ms-conversation-id`, as the SDKs do for replies
  const boost::json::object* body = nullptr;
};

/// The bytes of a request, with head and body in one piece.
class RequestText {
 public:
  RequestText() = default;
  explicit RequestText(std::string buffer) noexcept : buffer_(std::move(buffer)) {}

  std::string_view bytes() const noexcept { return std::string_view(buffer_).substr(start_); }
  /// Changes the target and the Host header of the request, and takes its Authorization out.
  /// Preconditions: `RequestWriter::write` has written the request.
  void redirect(std::string_view target, std::string_view host);
  /// Gives the request this Authorization in place of the one that it has, if any. Preconditions: as above.
  void authorize(std::string_view authorization);
  /// Gives the buffer away, so that another request can use it.
  std::string take_buffer() && noexcept { return std::move(buffer_); }

 private:
  friend class RequestWriter;
  /// Where the line behind Host begins, and where the line behind Authorization, counted from the request line.
  std::pair<std::size_t, std::size_t> authorization_line() const noexcept;

  std::string buffer_;
  std::size_t start_ = 0;
};

/// Writes requests. It keeps a JSON serializer and a generator of random numbers from request to request.
/// Source: Bot Connector API v3, "Conversations_*"; recorded traffic in tests/wire.
class RequestWriter {
 public:
  explicit RequestWriter(std::string user_agent);

  /// Replaces `into`.
  /// Preconditions: `may_stand_in_path` is true for the conversation and the activity, unless they are empty.
  void write(const RequestParts& parts, RequestText& into);

 private:
  void append_request_id(std::string& out);
  void append_body(const boost::json::object& body, std::string& out);
  void append_length_and_body(const boost::json::object& body, RequestText& into);

  std::string user_agent_;
  std::mt19937_64 random_;
  boost::json::serializer serializer_;
};

using tern::detail::may_stand_in_path;

/// Appends `text` as JavaScript's encodeURIComponent writes it, so that any text is one path segment.
void append_component(std::string& out, std::string_view text);

/// Appends `text` to a header: printable ASCII unchanged and every other byte as %XX, so that no id can end the line.
void append_header_value(std::string& out, std::string_view text);

}  // namespace tern::connector

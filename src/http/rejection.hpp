#pragma once

#include "http/http_types.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace tern::http {

/// Reasons for which the server answers itself, without a handler.
enum class Rejection {
  malformed,
  version,
  host,
  method,
  header_limit,
  body_limit,
  transfer_encoding,
  content_encoding,
  expectation,
  header_timeout,
  body_timeout,
  connections,
  closing,
  plain_http
};

/// The texts of a rejection: the client's answer, and the label in `tern_http_rejected_total`.
struct RejectionText {
  unsigned status;
  std::string_view code;
  std::string_view message;
  std::string_view reason;
};

/// One entry for each `Rejection`, in the same order.
inline constexpr std::array<RejectionText, 14> rejection_texts{{
    {400, "BadRequest", "The request is not well-formed HTTP/1.1.", "malformed"},
    {505, "HttpVersionNotSupported", "This server speaks HTTP/1.1 and HTTP/1.0.", "version"},
    {421, "MisdirectedRequest",
     "This server does not serve the host that the request names. Behind a proxy or a tunnel on the same machine set "
     "listen.hosts to the name that it passes on.",
     "host"},
    {501, "NotImplemented", "This server does not know the method.", "method"},
    {431, "HeaderTooLarge",
     "The request line and header, or the lines between the chunks of the body, are larger than this server accepts.",
     "header_limit"},
    {413, "PayloadTooLarge", "The body is larger than this server accepts.", "body_limit"},
    {501, "NotImplemented", "The only transfer coding this server knows is chunked.", "transfer_encoding"},
    {415, "UnsupportedMediaType", "The only content coding this server knows is identity: send the body as it is.",
     "content_encoding"},
    {417, "ExpectationFailed", "The only expectation this server knows is 100-continue.", "expectation"},
    {408, "RequestTimeout", "The header did not arrive in time.", "header_timeout"},
    {408, "RequestTimeout", "The body did not arrive in time.", "body_timeout"},
    {503, "ServiceUnavailable", "The server has no capacity for another connection. Try again later.", "connections"},
    {503, "ServiceUnavailable", "The server is shutting down, and the request was not complete. Send it again.",
     "closing"},
    {400, "BadRequest", "This port speaks TLS, and the request came without it: use https instead of http.",
     "plain_http"},
}};

/// The answer to the client. The connection is closed after it.
HttpResponse response_for(Rejection why);
/// The answer to a request that the handler has failed to handle.
HttpResponse response_for_failure();
/// The same as `response_for`, as text. `date`: "" leaves the header out.
std::string text_for(Rejection why, std::string_view date);

constexpr const RejectionText& text_of(Rejection rejection) noexcept {
  return rejection_texts[static_cast<std::size_t>(rejection)];
}

}  // namespace tern::http

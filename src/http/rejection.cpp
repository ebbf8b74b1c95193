#include "http/rejection.hpp"

#include "http/response_head.hpp"

#include <tern/schema/parse.hpp>

namespace tern::http {

HttpResponse response_for(Rejection why) {
  const RejectionText& text = text_of(why);
  HttpResponse response(text.status, error_body(text.code, text.message), "application/json");
  if (text.status == 503) {
    response.headers.emplace_back("Retry-After", "1");
  }
  if (why == Rejection::content_encoding) {
    response.headers.emplace_back("Accept-Encoding", "identity");
  }
  return response;
}

HttpResponse response_for_failure() {
  return HttpResponse(500, error_body("ServiceError", "The bot could not process the request."), "application/json");
}

std::string text_for(Rejection why, std::string_view date) {
  const HttpResponse response = response_for(why);
  std::string text;
  append_head(text, response, {.keep_alive = false, .date = date});
  return text.append(response.content());
}

}  // namespace tern::http

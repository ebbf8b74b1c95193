#include "http/rejection.hpp"

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

}  // namespace tern::http

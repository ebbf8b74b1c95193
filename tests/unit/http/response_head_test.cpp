#include "http/response_head.hpp"

#include <gtest/gtest.h>

namespace tern::http {
namespace {

std::string head(const HttpResponse& response, ResponseForm form = {}) {
  std::string out;
  append_head(out, response, form);
  return out;
}

TEST(ResponseHead, KnownBodyHasTypeAndLength) {
  EXPECT_EQ(head(HttpResponse(404, "{}", "application/json")),
            "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n");
}

TEST(ResponseHead, ConnectionIsNamedWhenItIsNotTheDefault) {
  EXPECT_EQ(head(HttpResponse(202), {.http10 = true, .keep_alive = true}),
            "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(head(HttpResponse(202), {.http10 = false, .keep_alive = false}),
            "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST(ResponseHead, HasTheDateThatItIsGiven) {
  EXPECT_EQ(head(HttpResponse(202), {.date = "Sun, 06 Nov 1994 08:49:37 GMT"}),
            "HTTP/1.1 202 Accepted\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n");
}

TEST(ResponseHead, FramingHeadersOfTheHandlerAreLeftOut) {
  HttpResponse response(200);
  response.headers = {{"transfer-encoding", "chunked"},
                      {"CONNECTION", "upgrade"},
                      {"keep-alive", "timeout=1"},
                      {"content-length", "5"},
                      {"", "empty"},
                      {"a:b", "c"},
                      {"Retry-After", "1"},
                      {"X", std::string("a\0b\x7f\tc", 6)}};
  EXPECT_EQ(head(response), "HTTP/1.1 200 OK\r\nRetry-After: 1\r\nX: a b \tc\r\nContent-Length: 0\r\n\r\n");
}

TEST(ResponseHead, UnknownStatusHasAReasonToo) {
  EXPECT_TRUE(head(HttpResponse(799)).starts_with("HTTP/1.1 799 "));
}

TEST(ResponseHead, ChunkSizeIsHexadecimal) {
  std::string out;
  append_chunk_size(out, 0x1f0a);
  EXPECT_EQ(out, "1f0a\r\n");
}

}  // namespace
}  // namespace tern::http

#include "http_client/request_text.hpp"
#include "harness.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tern::http_client::test {
namespace {

std::string text_of(const HttpRequest& request, const net::Proxy* proxy = nullptr) {
  return request_text(request, *parse_target(request.url), proxy, "agent");
}

TEST(RequestText, OfAGetHasNoLength) {
  EXPECT_EQ(
      text_of(request_of("GET", "https://api.example/a?b")),
      "GET /a?b HTTP/1.1\r\nHost: api.example\r\nUser-Agent: agent\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n");
}

TEST(RequestText, HasTheHeadersOfItsCallerAndALength) {
  EXPECT_EQ(text_of(request_of("POST", "http://api.example:81/", "body", {{"accept", "a/b"}, {"USER-AGENT", "mine"}})),
            "POST / HTTP/1.1\r\nHost: api.example:81\r\naccept: a/b\r\nUSER-AGENT: mine\r\nContent-Length: 4\r\n"
            "Connection: keep-alive\r\n\r\nbody");
  EXPECT_NE(text_of(request_of("PUT", "http://api.example/")).find("Content-Length: 0\r\n"), std::string::npos);
}

TEST(RequestText, ToAProxyHasTheWholeUrlAndItsPassword) {
  const net::Proxy proxy{"http://proxy.test:1", "proxy.test", 1, "Basic YTpi"};
  const auto text = text_of(request_of("GET", "http://api.example/a?b"), &proxy);
  EXPECT_TRUE(
      text.starts_with("GET http://api.example/a?b HTTP/1.1\r\nHost: api.example\r\nProxy-Authorization: Basic "
                       "YTpi\r\n"))
      << text;
}

TEST(CheckRequest, RefusesWhatWouldBeAnotherRequest) {
  const HttpRequest wrong[] = {
      request_of("", "http://a.example/"),
      request_of("CONNECT", "http://a.example/"),
      request_of("GET /secret", "http://a.example/"),
      request_of("GET", "http://a.example/", {}, {{"X\r\nY", "z"}}),
      request_of("GET", "http://a.example/", {}, {{"", "z"}}),
      request_of("GET", "http://a.example/", {}, {{"X", "secret\r\nY: z"}}),
      request_of("GET", "http://a.example/", {}, {{"X", std::string("secret\0", 7)}}),
      request_of("GET", "http://a.example/", {}, {{"host", "secret"}}),
      request_of("GET", "http://a.example/", {}, {{"Content-length", "3"}}),
      request_of("GET", "http://a.example/", {}, {{"Transfer-Encoding", "chunked"}}),
  };
  for (const auto& request : wrong) {
    Harness on;
    const auto text = on.failure(on.send(request), errc::invalid_argument);
    EXPECT_TRUE(text.starts_with("the request to http://a.example:80 ")) << text;
    EXPECT_EQ(text.find("secret"), std::string::npos) << text;
  }
}

TEST(CheckRequest, RefusesAUrlWithoutRepeatingIt) {
  Harness on;
  const auto text = on.failure(on.get("https://user:secret@a.example/?token=secret"), errc::invalid_argument);
  EXPECT_EQ(text, "the URL of an HTTP request carries a user name; nothing was sent");
}

}  // namespace
}  // namespace tern::http_client::test

#include "http_client/redirection.hpp"
#include "harness.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tern::http_client::test {
namespace {

HttpRequest with_everything(std::string method, std::string body) {
  return request_of(std::move(method), {}, std::move(body),
                    {{"Authorization", "Bearer secret"},
                     {"Cookie", "secret"},
                     {"X-Api-Key", "secret"},
                     {"Accept", "text/plain"},
                     {"Content-Type", "text/plain"}});
}

/// The request after an answer of https://api.example/a, in one line; "not followed".
std::string after(int status, std::string location, HttpRequest request) {
  auto target = *parse_target("https://api.example/a");
  if (!follow_redirect(request, target, status, location)) {
    return "not followed";
  }
  std::string text = request.method + " " + target.origin + target.path + " \"" + request.body + "\"";
  for (const auto& [name, value] : request.headers.all()) {
    text += " " + name;
  }
  return text;
}

TEST(Redirection, OfTheSameOriginTakesEverythingAlong) {
  EXPECT_EQ(after(307, "/b", with_everything("POST", "x")),
            "POST https://api.example:443/b \"x\" Authorization Cookie X-Api-Key Accept Content-Type");
  EXPECT_EQ(after(302, "/b", with_everything("GET", "")),
            "GET https://api.example:443/b \"\" Authorization Cookie X-Api-Key Accept Content-Type");
  EXPECT_EQ(after(308, "/b", with_everything("DELETE", "")),
            "DELETE https://api.example:443/b \"\" Authorization Cookie X-Api-Key Accept Content-Type");
}

TEST(Redirection, MayTurnTheRequestIntoAGet) {
  for (const int status : {301, 302, 303}) {
    EXPECT_EQ(after(status, "/b", with_everything("POST", "x")),
              "GET https://api.example:443/b \"\" Authorization Cookie X-Api-Key Accept");
  }
  EXPECT_EQ(after(303, "/b", with_everything("PUT", "x")),
            "GET https://api.example:443/b \"\" Authorization Cookie X-Api-Key Accept");
  EXPECT_EQ(after(303, "/b", request_of("HEAD", {})), "HEAD https://api.example:443/b \"\"");
  EXPECT_EQ(after(302, "/b", request_of("PUT", {}, "x")), "PUT https://api.example:443/b \"x\"");
}

TEST(Redirection, ToAnotherOriginTakesNoSecretAlong) {
  for (const char* location : {"https://other.example/b", "https://api.example:444/b", "//other.example/b"}) {
    const auto text = after(302, location, with_everything("GET", ""));
    EXPECT_NE(text, "not followed") << location;
    EXPECT_TRUE(text.ends_with("/b \"\" Accept")) << text;
    EXPECT_EQ(after(307, location, with_everything("POST", "x")), "not followed");
    EXPECT_EQ(after(308, location, with_everything("DELETE", "")), "not followed");
    EXPECT_TRUE(after(303, location, with_everything("POST", "x")).ends_with("/b \"\" Accept"));
  }
}

TEST(Redirection, ThatLeadsAwayFromTlsOrNowhereIsNotFollowed) {
  EXPECT_EQ(after(302, "http://api.example/b", request_of("GET", {})), "not followed");
  EXPECT_EQ(after(302, "", request_of("GET", {})), "not followed");
  EXPECT_EQ(after(302, "http://user@api.example/", request_of("GET", {})), "not followed");
  for (const int status : {200, 300, 304, 305, 306, 400}) {
    EXPECT_EQ(after(status, "/b", request_of("GET", {})), "not followed") << status;
  }
}

TEST(Redirects, AreNotFollowedUnlessAskedFor) {
  FakeChannel server;
  Harness on;
  server.answer_next(FakeAnswer::with(302, "", {{"Location", "/b"}}));
  const auto response = on.answer_of(server.url("/a"));
  EXPECT_EQ(response.status, 302);
  EXPECT_EQ(response.headers.find("location"), "/b");
  EXPECT_EQ(server.request_count(), 1U);
}

TEST(Redirects, AreFollowedAsOftenAsAllowed) {
  FakeChannel server;
  HttpClientOptions options;
  options.redirects = 3;
  Harness on(options);
  server.answer_with([](const auto&) { return FakeAnswer::with(307, "", {{"Location", "/again"}}); });
  EXPECT_EQ(on.answer_of(server.url("/a")).status, 307);
  EXPECT_EQ(server.request_count(), 4U);
  EXPECT_EQ(server.accepted(), 1U) << "on the same connection";
}

TEST(Redirects, LeadToAnotherHostWithoutTheToken) {
  FakeChannel first;
  FakeChannel second;
  HttpClientOptions options;
  options.redirects = 1;
  Harness on(options);
  first.answer_next(FakeAnswer::with(302, "", {{"Location", second.url("/b?c")}}));
  const auto response = on.answer_to(request_of("GET", first.url("/a"), {}, {{"Authorization", "Bearer secret"}}));
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(first.wait_for(1)[0].header("Authorization"), "Bearer secret");
  const auto arrived = second.wait_for(1)[0];
  EXPECT_EQ(arrived.target, "/b?c");
  EXPECT_EQ(arrived.header("Authorization"), std::nullopt);
  EXPECT_EQ(arrived.header("Host"), "127.0.0.1:" + std::to_string(second.port()));
}

}  // namespace
}  // namespace tern::http_client::test

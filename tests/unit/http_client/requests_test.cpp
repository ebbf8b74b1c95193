// Requests and answers as a bot sees them.
#include "harness.hpp"

#include <boost/asio/strand.hpp>

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace tern::http_client::test {
namespace {

TEST(Requests, AnAnswerHasStatusHeadersAndBody) {
  FakeChannel server;
  Harness on;
  server.answer_next(FakeAnswer::with(418, "short and stout", {{"X-A", "1"}, {"x-a", "2"}, {"X-B", "3"}}));
  const auto response = on.answer_of(server.url("/tea?pot=1#lid"));
  EXPECT_EQ(response.status, 418);
  EXPECT_FALSE(response.ok());
  EXPECT_EQ(response.body, "short and stout");
  EXPECT_EQ(response.headers.find("x-A"), "1") << "the first";
  EXPECT_EQ(response.headers.find("X-b"), "3");
  EXPECT_EQ(response.headers.find("X-C"), std::nullopt);
  const auto request = server.wait_for(1)[0];
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/tea?pot=1");
  EXPECT_TRUE(request.header("User-Agent")->starts_with("tern/"));
}

TEST(Requests, AnyMethodWithAnyBody) {
  FakeChannel server;
  Harness on;
  const std::string body("a\0b\r\n\r\n\xff", 8);
  on.answer_to(request_of("PATCH", server.url("/x"), body, {{"Content-Type", "a/b"}, {"If-Match", "*"}}));
  const auto request = server.wait_for(1)[0];
  EXPECT_EQ(request.method, "PATCH");
  EXPECT_EQ(request.body, body);
  EXPECT_EQ(request.header("content-type"), "a/b");
  EXPECT_EQ(request.header("if-match"), "*");
}

TEST(Requests, AnAnswerToHeadHasNoBodyWhateverItsLength) {
  FakeChannel server;
  Harness on;
  server.answer_next(FakeAnswer::raw("HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n"));
  const auto response = on.answer_to(request_of("HEAD", server.url()));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.find("Content-Length"), "5000000");
  EXPECT_EQ(on.answer_of(server.url()).status, 201);
  EXPECT_EQ(server.accepted(), 1U) << "the connection is used again";
}

TEST(Requests, AnAnswerInChunksIsPutTogether) {
  FakeChannel server;
  Harness on;
  server.answer_next(
      FakeAnswer::raw("HTTP/1.1 103 Early Hints\r\nX-A: 0\r\n\r\nHTTP/1.1 200 OK\r\nX-A: 1\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-A: 2\r\n\r\n"));
  const auto response = on.answer_of(server.url());
  EXPECT_EQ(response.body, "abcde");
  EXPECT_EQ(response.headers.find("X-A"), "1");
  EXPECT_EQ(response.headers.all().size(), 2U) << "neither of the interim answer nor trailers";
}

TEST(Requests, JsonGoesOutAndComesBack) {
  FakeChannel server;
  Harness on;
  server.answer_next(FakeAnswer::with(200, R"({"sum":3})"));
  const auto response =
      tern::test::run_on(on.io, on.client->post_json(server.url(), boost::json::value{{"a", 1}, {"b", 2}}));
  EXPECT_EQ(response.json().at("sum"), 3);
  const auto request = server.wait_for(1)[0];
  EXPECT_EQ(request.body, R"({"a":1,"b":2})");
  EXPECT_EQ(request.header("Content-Type"), "application/json");
  HttpResponse page;
  page.body = "<html>";
  EXPECT_THROW(page.json(), system_error);
}

TEST(Requests, AFormIsWrittenAsBrowsersDo) {
  FakeChannel server;
  Harness on;
  tern::test::run_on(on.io, on.client->post_form(server.url(), {{"grant type", "a&b=c"}, {"x", "\xc3\xa4+~*"}}));
  const auto request = server.wait_for(1)[0];
  EXPECT_EQ(request.body, "grant+type=a%26b%3Dc&x=%C3%A4%2B%7E*");
  EXPECT_EQ(request.header("Content-Type"), "application/x-www-form-urlencoded");
}

TEST(Requests, OfTwoThreadsHaveConnectionsOfTheirOwn) {
  FakeChannel server;
  HttpClient client;
  const auto work = [&] {
    asio::io_context io{1};
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(tern::test::run_on(io, client.get(server.url())).status, 201);
    }
  };
  std::thread other(work);
  work();
  other.join();
  EXPECT_EQ(server.request_count(), 20U);
  EXPECT_EQ(server.accepted(), 2U);
}

TEST(Requests, NeedAnIoContext) {
  Harness on;
  auto strand = asio::make_strand(on.io);
  std::exception_ptr thrown;
  asio::co_spawn(strand, on.client->get("http://127.0.0.1:1/"),
                 [&thrown](std::exception_ptr error, const HttpResponse&) { thrown = error; });
  on.run_until([&thrown] { return thrown != nullptr; });
  try {
    std::rethrow_exception(thrown);
  } catch (const system_error& error) {
    EXPECT_EQ(error.code(), errc::invalid_argument);
  }
}

TEST(Options, ThatAreUnusableAreRefusedAtOnce) {
  HttpClientOptions options;
  options.ca_file = "/nonexistent/authorities.pem";
  EXPECT_THROW(HttpClient{options}, system_error);
  options = {};
  options.nameservers = "no address";
  EXPECT_THROW(HttpClient{options}, system_error);
  options = {};
  options.user_agent = "a\r\nb";
  EXPECT_THROW(HttpClient{options}, system_error);
}

}  // namespace
}  // namespace tern::http_client::test

#include "http/router.hpp"
#include "http/request.hpp"
#include "support/run.hpp"

#include <tern/error.hpp>

#include <gtest/gtest.h>

namespace tern::http {
namespace {

class Named final : public HttpHandler {
 public:
  explicit Named(std::string name) : name_(std::move(name)) {}
  awaitable<HttpResponse> handle(HttpRequest&) override { co_return HttpResponse(200, name_, "text/plain"); }
  void complete_refusal(const HttpRequest&, HttpResponse& response) override { response.body = name_; }

 private:
  std::string name_;
};

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    router.add(Method::post, "/api/messages", messages);
    router.add({Method::get, Method::del}, "/health/", health);
    router.add(Method::get, "/", root);
    router.add(Method::options, "/own", own);
  }

  HttpResponse ask(Method method, std::string_view target) {
    Request request;
    request.set_line(method, parse_target(method, target).value());
    return test::run(router.handle(request));
  }
  static std::string allow(const HttpResponse& response) {
    return response.headers.empty() ? "" : response.headers.at(0).first + ": " + response.headers.at(0).second;
  }

  Named messages{"messages"};
  Named health{"health"};
  Named root{"root"};
  Named own{"own"};
  Router router;
};

TEST_F(RouterTest, PathAndMethodDecide) {
  EXPECT_EQ(ask(Method::post, "/api/messages").body, "messages");
  EXPECT_EQ(ask(Method::get, "/health").body, "health");
  EXPECT_EQ(ask(Method::del, "/health?x").body, "health");
  EXPECT_EQ(ask(Method::get, "/").body, "root");
}

TEST_F(RouterTest, TheHandlerOfThePathCompletesARefusal) {
  router.add_below("/tree", root);
  const auto completed = [this](std::string_view path) {
    Request request;
    request.set_line(Method::post, parse_target(Method::post, path).value());
    HttpResponse response(413);
    router.complete_refusal(request, response);
    return response.body;
  };
  EXPECT_EQ(completed("/api/messages"), "messages");
  EXPECT_EQ(completed("/health"), "health") << "whatever the method is";
  EXPECT_EQ(completed("/tree/x"), "root");
  EXPECT_EQ(completed("/trees"), "");
}

TEST_F(RouterTest, OneTrailingSlashMakesNoDifference) {
  EXPECT_EQ(ask(Method::post, "/api/messages/").body, "messages");
  EXPECT_EQ(ask(Method::get, "/health/").body, "health");
  EXPECT_EQ(ask(Method::post, "/api/messages//").status, 404U);
}

TEST_F(RouterTest, PathsAreComparedWithTheirCase) {
  router.add_below("/tree", root);
  EXPECT_EQ(ask(Method::get, "/tree/x").body, "root");
  EXPECT_EQ(ask(Method::post, "/API/Messages").status, 404U);
  EXPECT_EQ(ask(Method::get, "/Health").status, 404U);
  EXPECT_EQ(ask(Method::get, "/Tree/x").status, 404U);
}

TEST_F(RouterTest, OptionsOfTheWholeServerListAllMethods) {
  const auto response = ask(Method::options, "*");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(allow(response), "Allow: GET, HEAD, POST, DELETE, OPTIONS");
}

TEST_F(RouterTest, UnknownPathIsNotFound) {
  for (const char* path : {"/api", "/api/messages/x", "/apixmessages"}) {
    const auto response = ask(Method::post, path);
    EXPECT_EQ(response.status, 404U) << path;
    EXPECT_EQ(response.body, R"({"error":{"code":"NotFound","message":"There is nothing at this path."}})");
    EXPECT_EQ(response.content_type, "application/json");
  }
}

TEST_F(RouterTest, OtherMethodIsNotAllowed) {
  const auto response = ask(Method::get, "/api/messages");
  EXPECT_EQ(response.status, 405U);
  EXPECT_EQ(allow(response), "Allow: POST, OPTIONS");
  EXPECT_EQ(response.body,
            R"({"error":{"code":"MethodNotAllowed","message":"This path does not serve this method."}})");
  EXPECT_EQ(ask(Method::put, "/health").status, 405U);
  EXPECT_EQ(ask(Method::head, "/api/messages").status, 405U);
}

TEST_F(RouterTest, HeadIsServedWhereGetIs) {
  EXPECT_EQ(ask(Method::head, "/health").body, "health");
}

TEST_F(RouterTest, OptionsListsTheMethods) {
  const auto response = ask(Method::options, "/health");
  EXPECT_EQ(response.status, 204U);
  EXPECT_EQ(allow(response), "Allow: GET, HEAD, DELETE, OPTIONS");
  EXPECT_EQ(ask(Method::options, "/own").body, "own");
}

TEST_F(RouterTest, WrongRoutesAreRefused) {
  EXPECT_THROW(router.add(Method::post, "/api/messages/", messages), system_error);
  EXPECT_THROW(router.add(Method::get, "health", health), system_error);
  EXPECT_THROW(router.add(Method::other, "/x", health), system_error);
  router.add(Method::get, "/api/messages", health);
  EXPECT_EQ(ask(Method::get, "/api/messages").body, "health");
}

}  // namespace
}  // namespace tern::http

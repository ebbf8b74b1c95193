#include "direct_line/page.hpp"
#include "http/request.hpp"
#include "support/run.hpp"
#include "support/temporary_folder.hpp"

#include <tern/async/manual_clock.hpp>

#include <boost/json/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

namespace tern::direct_line {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

using Headers = std::vector<std::pair<std::string, std::string>>;

std::string page_header(const http::HttpResponse& response, std::string_view name) {
  std::string found;
  for (const auto& [each, value] : response.headers) {
    if (each == name) {
      found += found.empty() ? value : ", " + value;
    }
  }
  return found;
}

class PageTest : public testing::Test {
 protected:
  PageTest() { page.add_to(router); }

  http::HttpResponse ask(http::Method method, std::string_view target, const Headers& headers = {},
                         std::string body = {}) {
    http::Request request;
    request.set_line(method, http::parse_target(method, target).value());
    for (const auto& [name, value] : headers) {
      request.add_field(name, value);
    }
    request.body() = std::move(body);
    auto response = tern::test::run(router.handle(request));
    response.body = std::string(response.content());
    return response;
  }
  http::HttpResponse get(std::string_view target, const Headers& headers = {}) {
    return ask(http::Method::get, target, headers);
  }
  http::HttpResponse token(std::string body, const Headers& headers = {{"Sec-Fetch-Site", "same-origin"}}) {
    return ask(http::Method::post, "/chat/token", headers, std::move(body));
  }
  static std::string text_at(const http::HttpResponse& response, std::string_view name) {
    return std::string(boost::json::parse(response.body).at(name).as_string());
  }

  ManualClock clock{std::chrono::sys_days{std::chrono::year{2030} / 1 / 1}};
  Secrets secrets{{"a secret of sixteen or more"}};
  TokenMaker tokens{secrets, "token", std::chrono::minutes(30)};
  Page page{[this] { return starting ? nullptr : &tokens; }, make_page_file("text/javascript", "the bundle", "zipped"),
            clock};
  http::Router router;
  bool starting = false;
};

TEST_F(PageTest, ThePageAllowsNothingOfOtherHosts) {
  const auto response = get("/chat", {{"Host", "chat.example:8443"}});
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
  const auto policy = page_header(response, "Content-Security-Policy");
  EXPECT_THAT(policy, StartsWith("default-src 'none'; script-src 'self'; "));
  EXPECT_THAT(policy, HasSubstr("connect-src 'self' blob: ws://chat.example:8443 wss://chat.example:8443;"));
  EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_EQ(page_header(response, "Cache-Control"), "no-store");
  EXPECT_EQ(page_header(response, "X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(page_header(response, "Referrer-Policy"), "no-referrer");
}

TEST_F(PageTest, EachPageHasANonceOfItsOwn) {
  std::set<std::string> policies;
  for (int i = 0; i < 3; ++i) {
    const auto response = get("/chat");
    const auto policy = page_header(response, "Content-Security-Policy");
    const auto begin = policy.find("'nonce-") + 7;
    const auto nonce = policy.substr(begin, policy.find('\'', begin) - begin);
    EXPECT_GE(nonce.size(), 22U);
    EXPECT_THAT(response.body, HasSubstr("nonce=\"" + nonce + '"'));
    EXPECT_THAT(response.body, Not(HasSubstr("{{")));
    policies.insert(policy);
  }
  EXPECT_EQ(policies.size(), 3U);
}

TEST_F(PageTest, AHostThatCannotStandInAPolicyIsLeftOut) {
  const auto policy = page_header(get("/chat", {{"Host", "a; script-src *"}}), "Content-Security-Policy");
  EXPECT_THAT(policy, HasSubstr("connect-src 'self' blob:; img-src"));
  EXPECT_THAT(policy, Not(HasSubstr("*")));
}

TEST_F(PageTest, FilesAreZippedForThoseWhoTakeIt) {
  const auto plain = get("/chat/webchat.js");
  EXPECT_EQ(plain.body, "the bundle");
  EXPECT_EQ(page_header(plain, "Content-Encoding"), "");
  for (const auto* refused : {"gzip;q=0", "br, gzip; q=0.0", "identity", "xgzip"}) {
    EXPECT_EQ(get("/chat/webchat.js", {{"Accept-Encoding", refused}}).body, "the bundle") << refused;
  }
  for (const auto* taken : {"gzip", "br, gzip, deflate", "gzip;q=0.5, br"}) {
    const auto zipped = get("/chat/webchat.js", {{"Accept-Encoding", taken}});
    EXPECT_EQ(zipped.body, "zipped") << taken;
    EXPECT_EQ(page_header(zipped, "Content-Encoding"), "gzip");
    EXPECT_EQ(page_header(zipped, "Vary"), "Accept-Encoding");
    EXPECT_EQ(page_header(zipped, "ETag"), page_header(plain, "ETag"));
  }
}

TEST_F(PageTest, AClientThatHasAFileIsToldSo) {
  for (const auto* path : {"/chat/webchat.js", "/chat/chat.js", "/chat/chat.css"}) {
    const auto tag = page_header(get(path), "ETag");
    EXPECT_THAT(tag, StartsWith("W/\""));
    const auto again = get(path, {{"If-None-Match", "\"other\", " + tag}});
    EXPECT_EQ(again.status, 304U) << path;
    EXPECT_EQ(again.body, "");
    EXPECT_EQ(page_header(again, "ETag"), tag);
    EXPECT_EQ(get(path, {{"If-None-Match", "\"other\""}}).status, 200U);
  }
  EXPECT_NE(page_header(get("/chat/chat.js"), "ETag"), page_header(get("/chat/chat.css"), "ETag"));
}

TEST_F(PageTest, WithoutTheBundleTheRestIsThere) {
  Page poor([this] { return &tokens; }, std::nullopt, clock);
  http::Router others;
  poor.add_to(others);
  http::Request request;
  request.set_line(http::Method::get, http::parse_target(http::Method::get, "/chat/webchat.js").value());
  const auto response = tern::test::run(others.handle(request));
  EXPECT_EQ(response.status, 404U);
  EXPECT_THAT(response.body, HasSubstr("./dev web-chat"));
  EXPECT_THAT(get("/chat/chat.js").body, HasSubstr("./dev web-chat"));
}

TEST_F(PageTest, ANewConversationHasAUserThatNobodyCanChoose) {
  const auto response = token("");
  ASSERT_EQ(response.status, 200U);
  EXPECT_EQ(page_header(response, "Cache-Control"), "no-store");
  const auto claims = tokens.read(text_at(response, "token"), clock.wall_now()).claims;
  ASSERT_TRUE(claims);
  EXPECT_TRUE(claims->page);
  EXPECT_EQ(claims->conversation, text_at(response, "conversationId"));
  EXPECT_EQ(claims->user, text_at(response, "userId"));
  EXPECT_THAT(claims->user, StartsWith("dl_"));
  EXPECT_NE(text_at(token("{}"), "conversationId"), claims->conversation);
  EXPECT_THAT(response.body, Not(HasSubstr(secrets.all().front())));
}

TEST_F(PageTest, ATokenIsForPagesOfThisOriginAlone) {
  const auto response = token("", {{"Sec-Fetch-Site", "same-origin"}, {"Origin", "https://Chat.example"}});
  const auto claims = tokens.read(text_at(response, "token"), clock.wall_now()).claims;
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->origins, std::vector<std::string>{"https://chat.example"});
}

TEST_F(PageTest, ThereIsNoTokenBeforeThereIsASecret) {
  starting = true;
  EXPECT_EQ(token("").status, 503U);
  EXPECT_EQ(get("/chat").status, 200U);
}

TEST_F(PageTest, AnOldTokenGivesAFreshOneForItsConversation) {
  const auto first = token("{}");
  const auto body = R"({"token":")" + text_at(first, "token") + R"("})";
  clock.advance(std::chrono::hours(24));
  ASSERT_TRUE(tokens.read(text_at(first, "token"), clock.wall_now()).expired);
  const auto fresh = token(body);
  ASSERT_EQ(fresh.status, 200U) << fresh.body;
  EXPECT_EQ(text_at(fresh, "conversationId"), text_at(first, "conversationId"));
  EXPECT_EQ(text_at(fresh, "userId"), text_at(first, "userId"));
  EXPECT_TRUE(tokens.read(text_at(fresh, "token"), clock.wall_now()).claims);
  clock.advance(Page::renewable);
  EXPECT_EQ(token(body).status, 403U);
}

TEST_F(PageTest, TokensOfOthersAreNotRenewed) {
  TokenClaims claims;
  claims.conversation = "theirs";
  claims.user = "them";
  const auto theirs = tokens.make(claims, clock.wall_now());
  const Secrets foreign{{"another secret of sixteen"}};
  claims.page = true;
  const auto forged = TokenMaker(foreign, "token", std::chrono::minutes(30)).make(claims, clock.wall_now());
  for (const auto& each : {theirs, forged, std::string("nonsense")}) {
    EXPECT_EQ(token(R"({"token":")" + each + R"("})").status, 403U) << each;
  }
  for (const auto* body : {"[]", "{", R"({"token":7})", R"({"token":""})"}) {
    EXPECT_EQ(token(body).status, 400U) << body;
  }
}

TEST_F(PageTest, PagesOfOtherSitesGetNoToken) {
  const std::vector<Headers> strangers{{},
                                       {{"Sec-Fetch-Site", "cross-site"}},
                                       {{"Sec-Fetch-Site", "same-site"}, {"Origin", "http://a"}, {"Host", "a"}},
                                       {{"Sec-Fetch-Site", "none"}},
                                       {{"Origin", "http://evil.example"}, {"Host", "bot.example"}},
                                       {{"Origin", "null"}, {"Host", "bot.example"}},
                                       {{"Origin", "http://bot.example"}}};
  for (const auto& headers : strangers) {
    const auto response = token("{}", headers);
    EXPECT_EQ(response.status, 403U);
    EXPECT_EQ(page_header(response, "Access-Control-Allow-Origin"), "");
  }
  EXPECT_EQ(token("{}", {{"Origin", "http://bot.example:3978"}, {"Host", "bot.example:3978"}}).status, 200U);
  EXPECT_EQ(token("{}", {{"Origin", "https://bot.example"}, {"Host", "bot.example"}}).status, 200U);
}

TEST_F(PageTest, AnAddressGetsNoMoreThanSomeTokens) {
  for (std::size_t i = 0; i < Page::tokens_per_second; ++i) {
    ASSERT_EQ(token("{}").status, 200U);
  }
  const auto refused = token("{}");
  EXPECT_EQ(refused.status, 429U);
  EXPECT_EQ(page_header(refused, "Retry-After"), "1");
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(token("{}").status, 200U);
}

TEST(PageFiles, TheFirstFolderWithABundleIsRead) {
  const tern::test::TemporaryFolder temporary;
  const auto& folder = temporary.path();
  std::filesystem::create_directories(folder / "empty");
  std::filesystem::create_directories(folder / "full");
  std::ofstream(folder / "full/webchat.js") << "code";
  EXPECT_FALSE(read_web_chat({folder / "absent", folder / "empty"}));
  auto found = read_web_chat({folder / "absent", folder / "full"});
  ASSERT_TRUE(found);
  EXPECT_EQ(*found->text, "code");
  EXPECT_FALSE(found->zipped);
  std::ofstream(folder / "full/webchat.js.gz") << "smaller";
  found = read_web_chat({folder / "full"});
  ASSERT_TRUE(found);
  EXPECT_EQ(*found->zipped, "smaller");
}

TEST(PageFiles, AreSharedByTheResponsesThatAreBeingSent) {
  const auto file = make_page_file("text/javascript", std::string(3'000'000, 'x'), "zipped");
  http::Request request;
  request.set_line(http::Method::get, http::parse_target(http::Method::get, "/chat/webchat.js").value());
  const auto first = serve(file, request);
  const auto second = serve(file, request);
  EXPECT_EQ(first.content().data(), second.content().data());
  EXPECT_EQ(file.text.use_count(), 3);
}

TEST(PageFiles, AnInstalledProgramHasItsFolderBesideIt) {
  EXPECT_EQ(usual_page_folders("/opt/bot/bin/bot").front(), "/opt/bot/share/tern/web-chat");
  EXPECT_EQ(usual_page_folders("").size(), usual_page_folders("/opt/bot/bin/bot").size() - 1);
  EXPECT_TRUE(this_program().is_absolute());
}

}  // namespace
}  // namespace tern::direct_line

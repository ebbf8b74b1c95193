#include "wire/capture_reader.hpp"
#include "wire/captures.hpp"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

namespace tern::wire {
namespace {

constexpr std::string_view section = R"(# heading

================ one
--- request (client -> bot)
POST /api/messages HTTP/1.1
Host: localhost:3978
Authorization: 
Content-Length: 7

{"a":1}
--- response (bot -> client, 4 ms)
HTTP/1.1 200 OK
Content-Length: 0


--- connector traffic during the turn
>>> 2026-11-22T19:34:53.888Z (bot -> connector)
POST /v3/x HTTP/1.1
Content-Length: 2

{}
<<< HTTP/1.1 201
{"id":"mock-1"}

>>> 2026-11-22T19:34:53.889Z (bot -> connector)
DELETE /v3/x/mock-1 HTTP/1.1
accept: */*


<<< HTTP/1.1 200




================ two
--- request (client -> bot)
GET / HTTP/1.1


--- response (bot -> client, 5001 ms)
[no response in 5 s]
--- connector traffic during the turn
(none)
)";

TEST(ReadSections, ReadsRequestResponseAndTraffic) {
  const auto captures = read_sections(section);
  ASSERT_EQ(captures.size(), 2U);
  const auto& one = captures[0];
  EXPECT_EQ(one.name, "one");
  EXPECT_EQ(one.request.method(), "POST");
  EXPECT_EQ(one.request.target(), "/api/messages");
  EXPECT_EQ(one.request.header("host"), "localhost:3978");
  EXPECT_EQ(one.request.header("Authorization"), "");
  EXPECT_EQ(one.request.body, "{\"a\":1}");
  ASSERT_TRUE(one.response);
  EXPECT_EQ(one.response->status(), 200U);
  ASSERT_EQ(one.sends.size(), 2U);
  EXPECT_EQ(one.sends[0].request.body, "{}");
  EXPECT_EQ(one.sends[0].answer_status, 201U);
  EXPECT_EQ(one.sends[0].answer_body, R"({"id":"mock-1"})");
  EXPECT_EQ(one.sends[1].request.method(), "DELETE");
  EXPECT_EQ(one.sends[1].request.body, "");
  EXPECT_EQ(one.sends[1].answer_status, 200U);
  EXPECT_EQ(one.sends[1].answer_body, "");
}

TEST(ReadSections, KnowsThatARequestWasNotAnswered) {
  const auto captures = read_sections(section);
  EXPECT_FALSE(captures.at(1).response);
  EXPECT_TRUE(captures.at(1).sends.empty());
}

TEST(ReadSections, RefusesTrafficItDoesNotUnderstand) {
  std::string text(section);
  text.replace(text.find("(none)"), 6, "(what)");
  EXPECT_THROW(read_sections(text), std::runtime_error);
}

TEST(ReadMessage, TakesTheChunksOutOfABody) {
  const auto message = read_message("POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n5\nhello\n1\n!\n0\n\n");
  EXPECT_TRUE(message.chunked);
  EXPECT_EQ(message.body, "hello!");
}

TEST(ReadMessage, KnowsThatABodyWasCut) {
  const auto message = read_message("POST / HTTP/1.1\nContent-Length: 9000\n\n[[[[ ...[9040 chars]\n");
  EXPECT_TRUE(message.cut);
  EXPECT_EQ(message.body, "[[[[");
}

TEST(ReadMessage, RefusesABodyThatDoesNotFitItsLength) {
  EXPECT_THROW(read_message("POST / HTTP/1.1\nContent-Length: 1\n\nab\n"), std::runtime_error);
  EXPECT_THROW(read_message("POST / HTTP/1.1\nContent-Length: 9\n\nab\n"), std::runtime_error);
}

TEST(ReadMessage, TakesAnErrorPageAsItIsShown) {
  const auto page = read_message("HTTP/1.1 500 X\nContent-Type: text/html\nContent-Length: 900\n\n<pre>at x</pre>\n\n");
  EXPECT_EQ(page.body, "<pre>at x</pre>");
}

TEST(ReadMessage, TakesTheAnswerToHeadWithoutItsBody) {
  EXPECT_EQ(read_message("HTTP/1.1 404 Not Found\nContent-Length: 152\n\n\n").body, "");
}

constexpr std::string_view to_bot = R"(
##### 2026-11-22T19:44:10.126Z conn 4 >>> client to bot
POST /a HTTP/1.1
Content-Length: 1

1

##### 2026-11-22T19:44:10.141Z conn 4 <<< bot to client
HTTP/1.1 200 OK
Content-Length: 0



##### 2026-11-22T19:44:13.379Z conn 4 >>> client to bot
POST /b HTTP/1.1
Content-Length: 1

2

##### 2026-11-22T19:44:13.392Z conn 4 <<< bot to client
HTTP/1.1 501 Not Implemented
Content-Length: 0
)";

constexpr std::string_view from_bot = R"(
##### 2026-11-22T19:44:10.137Z conn 4 >>> client to playground
POST /in-turn HTTP/1.1
Content-Length: 0

##### 2026-11-22T19:44:10.139Z conn 4 <<< playground to client
HTTP/1.1 201 Created
Content-Length: 2

{}

##### 2026-11-22T19:44:12.658Z conn 4 >>> client to playground
POST /later HTTP/1.1
Content-Length: 0

##### 2026-11-22T19:44:12.660Z conn 4 <<< playground to client
HTTP/1.1 202 Accepted
Content-Length: 0
)";

TEST(ReadLogs, GivesEachRequestWhatTheBotSentUntilTheNextOne) {
  const auto captures = read_logs("log", to_bot, from_bot);
  ASSERT_EQ(captures.size(), 2U);
  EXPECT_EQ(captures[0].name, "log 1");
  EXPECT_EQ(captures[0].request.target(), "/a");
  ASSERT_EQ(captures[0].sends.size(), 2U);
  EXPECT_FALSE(captures[0].sends[0].after_turn);
  EXPECT_EQ(captures[0].sends[0].answer_status, 201U);
  EXPECT_TRUE(captures[0].sends[1].after_turn);
  EXPECT_EQ(captures[1].response->status(), 501U);
  EXPECT_TRUE(captures[1].sends.empty());
}

TEST(ReadLogs, RefusesALogThatEndsWithARequest) {
  EXPECT_THROW(read_logs("log", to_bot.substr(0, to_bot.rfind("#####")), from_bot), std::runtime_error);
}

TEST(AllCaptures, AgreeWithTheSummary) {
  const auto summary = read_summary(read_capture_file("botbuilder-express-noauth.summary.tsv"));
  ASSERT_GT(summary.size(), 0U);
  for (const auto& line : summary) {
    const auto& capture = capture_named(line.name);
    EXPECT_EQ(capture.response ? capture.response->start_line : "NONE", line.status_line) << line.name;
    EXPECT_EQ(capture.sends.size(), line.sends) << line.name;
  }
  EXPECT_EQ(all_captures().size(), summary.size() + 4 + 2);  // and the Playground's
}

TEST(AllCaptures, AreAsManyAsTheFilesHoldAndHaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (const auto& capture : all_captures()) {
    names.insert(capture.name);
  }
  EXPECT_EQ(names.size(), count_requests_in_files());
  EXPECT_EQ(names.size(), all_captures().size());
}

}  // namespace
}  // namespace tern::wire

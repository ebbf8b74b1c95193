#include "wire/captures.hpp"
#include "support/fake_channel.hpp"
#include "wire/differences.hpp"
#include "wire/json_differences.hpp"
#include "wire/raw_http.hpp"
#include "wire/replay.hpp"
#include "wire/wire_bot.hpp"

#include <tern/app/app.hpp>
#include <tern/async/log.hpp>
#include <tern/schema/timestamp.hpp>

#include <gtest/gtest.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cctype>
#include <memory>
#include <sstream>

namespace tern::wire {
namespace {

constexpr std::chrono::milliseconds soon{20};  // the proactive message; the captured bot took two seconds

/// The bot, served as a program would, and a channel for one capture.
class WireTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    log::configure(log::Level::error, log::Format::text);
    Settings settings;
    settings.listen.port = 0;
    settings.listen.threads = 2;
    settings.proactive.enabled = true;
    app_ = std::make_unique<App>(std::move(settings), [] { return std::make_unique<WireBot>(soon); });
    app_->start();
  }
  static void TearDownTestSuite() {
    EXPECT_TRUE(app_->stop());
    app_.reset();
  }

  static std::uint16_t port() { return app_->port(); }

  test::FakeChannel channel_;

 private:
  static inline std::unique_ptr<App> app_;
};

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) {
    text += "  " + line + "\n";
  }
  return text;
}

json::value parsed(const std::string& text) {
  boost::json::error_code error;
  auto value = json::parse(text, error);
  if (error) {
    ADD_FAILURE() << "this is no JSON: " << text;
  }
  return value;
}

// "What we write is UTC with `Z` and milliseconds": 2026-11-22T10:00:00.123Z
bool is_our_timestamp(const json::value& value) {
  const auto* text = value.if_string();
  return text != nullptr && text->size() == 24 && text->ends_with("Z") && (*text)[19] == '.' &&
         Timestamp::parse(std::string_view(text->data(), text->size()));
}

/// Times differ by nature: where both activities have one, and ours is well-formed, it is taken over.
void take_over_time(json::value& expected, const json::value& actual) {
  auto* wanted = expected.is_object() ? expected.get_object().if_contains("timestamp") : nullptr;
  const auto* got = actual.is_object() ? actual.get_object().if_contains("timestamp") : nullptr;
  if (wanted != nullptr && got != nullptr && is_our_timestamp(*got)) {
    *wanted = *got;
  }
}

void expect_equal_activities(json::array expected, const json::array& actual) {
  for (std::size_t i = 0; i < std::min(expected.size(), actual.size()); ++i) {
    take_over_time(expected[i], actual[i]);
  }
  EXPECT_EQ("", joined(json_differences(expected, actual)));
}

void expect_json(json::value expected, const RawResponse& response) {
  EXPECT_TRUE(response.header("Content-Type").value_or("").starts_with("application/json"));
  const auto actual = parsed(response.body);
  auto* wanted = expected.is_object() ? expected.get_object().if_contains("activities") : nullptr;
  const auto* got = actual.is_object() ? actual.get_object().if_contains("activities") : nullptr;
  if (wanted != nullptr && wanted->is_array() && got != nullptr && got->is_array()) {
    expect_equal_activities(std::move(wanted->get_array()), got->get_array());
    *wanted = *got;
  }
  EXPECT_EQ("", joined(json_differences(expected, actual)));
}

void expect_error(const RawResponse& response) {
  EXPECT_TRUE(response.header("Content-Type").value_or("").starts_with("application/json"));
  const auto body = parsed(response.body);
  const auto* object = body.if_object();
  const auto* error = object != nullptr ? object->if_contains("error") : nullptr;
  const auto* members = error != nullptr ? error->if_object() : nullptr;
  ASSERT_TRUE(members != nullptr && object->size() == 1) << response.body;
  for (const auto* name : {"code", "message"}) {
    const auto* text = members->if_contains(name);
    EXPECT_TRUE(text != nullptr && text->is_string() && !text->get_string().empty()) << name << ": " << response.body;
  }
  EXPECT_EQ(response.body.find("boom"), std::string::npos);
}

void expect_events(const json::array& expected, const RawResponse& response) {
  EXPECT_EQ(response.header("Content-Type").value_or(""), "text/event-stream");
  json::array actual;
  std::istringstream lines(response.body);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_EQ(line, "event: activity");
    std::string data;
    std::getline(lines, data);
    EXPECT_TRUE(data.starts_with("data: ")) << data;
    actual.push_back(parsed(data.substr(std::min<std::size_t>(6, data.size()))));
    std::string end;
    std::getline(lines, end);
    EXPECT_EQ(end, "");
  }
  expect_equal_activities(expected, actual);
}

void expect_response(const Expectation& expected, const RawResponse& response) {
  EXPECT_EQ(response.status, expected.status) << response.body;
  EXPECT_GE(response.took, expected.at_least);
  if (expected.allow) {
    EXPECT_NE(response.header("Allow").value_or("").find("POST"), std::string_view::npos);
  }
  switch (expected.body) {
    case Expectation::Body::empty:
      EXPECT_EQ(response.body, "");
      break;
    case Expectation::Body::error:
      expect_error(response);
      break;
    case Expectation::Body::json:
      expect_json(expected.json, response);
      break;
    case Expectation::Body::events:
      expect_events(expected.json.as_array(), response);
      break;
  }
}

void expect_send(const ExpectedSend& expected, const test::FakeRequest& request) {
  EXPECT_EQ(request.method, expected.method);
  EXPECT_EQ(request.target, expected.target);
  EXPECT_EQ(request.header("Content-Type"), expected.content_type);
  EXPECT_EQ(request.header("x-ms-conversation-id"), expected.conversation_header);
  EXPECT_TRUE(request.header("x-ms-client-request-id"));
  if (expected.body.is_null()) {
    EXPECT_EQ(request.body, "");
    return;
  }
  auto body = expected.body;
  const auto actual = parsed(request.body);
  take_over_time(body, actual);
  EXPECT_EQ("", joined(json_differences(body, actual)));
}

class CapturedRequest : public WireTest, public testing::WithParamInterface<Capture> {
 protected:
  /// A part of the id that no other capture's has: many share one, and a repetition is answered from memory.
  static std::string fresh() {
    const auto& all = all_captures();
    const auto place = std::find_if(all.begin(), all.end(), [](const Capture& c) { return c.name == GetParam().name; });
    return "-replay-" + std::to_string(place - all.begin());
  }

  /// The channel answers as the captured one did, ids and all.
  void script_channel() {
    const auto& sends = GetParam().sends;
    for (const auto& send : sends) {
      channel_.answer_next(test::FakeAnswer::with(static_cast<int>(send.answer_status), send.answer_body));
    }
  }
};

TEST_P(CapturedRequest, IsAnsweredAsCapturedOrAsTheProtocolSays) {
  const auto replay = make_replay(GetParam(), capture_named("message"), channel_.url(), fresh());
  SCOPED_TRACE("differences from the capture:\n" + joined(replay.expected.reasons));
  script_channel();

  const auto response = exchange(port(), replay.bytes, replay.head);

  expect_response(replay.expected, response);
  const auto sent = channel_.wait_for(replay.expected.sends.size());
  ASSERT_EQ(sent.size(), replay.expected.sends.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    SCOPED_TRACE("request " + std::to_string(i + 1) + " to the channel: " + sent[i].body);
    expect_send(replay.expected.sends[i], sent[i]);
  }
  if (GetParam().name.starts_with("message-multi")) {
    EXPECT_GE(sent.at(2).arrived - sent.at(1).arrived, std::chrono::milliseconds(100))
        << "the delay was not waited for";
  }
}

std::string test_name(const testing::TestParamInfo<Capture>& info) {
  std::string name;
  for (const char c : info.param.name) {
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Captures, CapturedRequest, testing::ValuesIn(all_captures()), test_name);

TEST(Captures, AreReplayedOneAndAll) {
  const auto* unit = testing::UnitTest::GetInstance();
  std::size_t replayed = 0;
  for (int i = 0; i < unit->total_test_suite_count(); ++i) {
    if (unit->GetTestSuite(i)->name() == std::string("Captures/CapturedRequest")) {
      replayed = static_cast<std::size_t>(unit->GetTestSuite(i)->total_test_count());
    }
  }
  EXPECT_EQ(replayed, count_requests_in_files());
}

TEST(Captures, HaveEveryDifferenceThatTheTableNames) {
  for (const auto& difference : differences()) {
    EXPECT_NO_THROW(capture_named(std::string(difference.capture))) << difference.capture;
  }
}

TEST_F(WireTest, BodyOverTheLimitIsRefusedWith413) {
  const std::string body(256 * 1024 + 1, ' ');
  const auto response = exchange(port(),
                                 "POST /api/messages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                                 "Content-Type: application/json\r\nContent-Length: " +
                                     std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_EQ(response.status, 413U);
  expect_error(response);
}

TEST_F(WireTest, RepeatedRequestIsNotAnsweredTwiceToTheChannel) {
  const auto replay = make_replay(capture_named("message"), capture_named("message"), channel_.url(), "-twice");
  EXPECT_EQ(exchange(port(), replay.bytes).status, 200U);
  EXPECT_EQ(exchange(port(), replay.bytes).status, 200U);
  EXPECT_EQ(channel_.request_count(), 1U);
}

TEST_F(WireTest, TraceGoesToNoOtherChannelThanTheEmulator) {
  auto replay = make_replay(capture_named("message-handler-throws (text=throw)"), capture_named("message"),
                            channel_.url(), "-elsewhere");
  const std::string emulator = R"("channelId":"emulator")";
  const std::string elsewhere = R"("channelId":"else-web")";  // as long, so that Content-Length stays right
  replay.bytes.replace(replay.bytes.find(emulator), emulator.size(), elsewhere);
  EXPECT_EQ(exchange(port(), replay.bytes).status, 200U);
  const auto sent = channel_.requests();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_NE(sent[0].body.find("The bot encountered an error or bug."), std::string::npos);
}

}  // namespace
}  // namespace tern::wire

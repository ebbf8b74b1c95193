#include "connector/request_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace tern::connector {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string component(std::string_view text) {
  std::string out;
  append_component(out, text);
  return out;
}

std::string header_value(std::string_view text) {
  std::string out;
  append_header_value(out, text);
  return out;
}

RequestParts reply() {
  RequestParts parts;
  parts.method = "POST";
  parts.host = "localhost:9999";
  parts.conversation = "19:abc@thread.tacv2;messageid=1/2 3";
  parts.activity = "1|2/3";
  parts.request_id = "46640781-673e-466a-bac3-4d7405edebb1";
  parts.names_conversation = true;
  return parts;
}

TEST(RequestText, ReplyIsWrittenAsTheSdkWritesIt) {
  const boost::json::object body{{"type", "message"}, {"text", "h\xc3\xa9llo"}};
  auto parts = reply();
  parts.body = &body;
  RequestWriter writer("some-bot/1.0");
  RequestText text;
  writer.write(parts, text);
  EXPECT_EQ(text.bytes(),
            "POST /v3/conversations/19%3Aabc%40thread.tacv2%3Bmessageid%3D1%2F2%203/activities/1%7C2%2F3 HTTP/1.1\r\n"
            "Host: localhost:9999\r\n"
            "Content-Type: application/json; charset=utf-8\r\n"
            "Accept: */*\r\n"
            "User-Agent: some-bot/1.0\r\n"
            "x-ms-client-request-id: 46640781-673e-466a-bac3-4d7405edebb1\r\n"
            "x-ms-conversation-id: 19:abc@thread.tacv2;messageid=1/2 3\r\n"
            "Connection: keep-alive\r\n"
            "Content-Length: 34\r\n\r\n"
            "{\"type\":\"message\",\"text\":\"h\xc3\xa9llo\"}");
}

TEST(RequestText, WithoutBodyThereIsNeitherTypeNorLength) {
  auto parts = reply();
  parts.method = "DELETE";
  parts.names_conversation = false;
  RequestWriter writer("a");
  RequestText text;
  writer.write(parts, text);
  const std::string bytes(text.bytes());
  EXPECT_THAT(bytes, testing::EndsWith("Connection: keep-alive\r\n\r\n"));
  EXPECT_THAT(bytes, Not(HasSubstr("Content-")));
  EXPECT_THAT(bytes, Not(HasSubstr("x-ms-conversation-id")));
}

TEST(RequestText, LengthIsRightForBodiesOfAnySize) {
  RequestWriter writer("a");
  RequestText text;
  for (const std::size_t size : {0UL, 1UL, 86UL, 4000UL, 4096UL, 4097UL, 100'000UL, 1'000'000UL}) {
    const boost::json::object body{{"text", std::string(size, 'x')}};
    RequestParts parts = reply();
    parts.body = &body;
    writer.write(parts, text);
    const std::string bytes(text.bytes());
    ASSERT_TRUE(bytes.starts_with("POST /v3/"));
    const auto head = bytes.find("\r\n\r\n");
    ASSERT_NE(head, std::string::npos);
    EXPECT_THAT(bytes.substr(0, head), HasSubstr("\r\nContent-Length: " + std::to_string(bytes.size() - head - 4)));
    EXPECT_EQ(bytes.size() - head - 4, size + 11);
  }
}

TEST(RequestText, BufferIsUsedAgain) {
  RequestWriter writer("a");
  RequestText first;
  writer.write(reply(), first);
  const std::string expected(first.bytes());
  RequestText second(std::move(first).take_buffer());
  writer.write(reply(), second);
  EXPECT_EQ(second.bytes(), expected);
}

TEST(RequestText, ComponentsAreEncodedAsByJavaScript) {
  EXPECT_EQ(component("aZ09-_.!~*'()"), "aZ09-_.!~*'()");
  EXPECT_EQ(component("19:abc@thread.tacv2;messageid=1/2 3"), "19%3Aabc%40thread.tacv2%3Bmessageid%3D1%2F2%203");
  EXPECT_EQ(component("1|2/3"), "1%7C2%2F3");
  EXPECT_EQ(component("%?#&+\\\"<>\r\n"), "%25%3F%23%26%2B%5C%22%3C%3E%0D%0A");
  EXPECT_EQ(component("\xf0\x9f\x98\x80"), "%F0%9F%98%80");
  EXPECT_EQ(component(std::string_view("\0", 1)), "%00");
}

TEST(RequestText, HeaderValuesCannotEndALine) {
  EXPECT_EQ(header_value("a b;c"), "a b;c");
  EXPECT_EQ(header_value("a\r\nX-Evil: 1"), "a%0D%0AX-Evil: 1");
  EXPECT_EQ(header_value("\xc3\xa9\x7f\t"), "%C3%A9%7F%09");
  auto parts = reply();
  parts.conversation = "c\r\nX-Evil: 1\r\n\r\n";
  parts.request_id = "r\nX-Evil: 2";
  RequestWriter writer("agent\r\nX-Evil: 3");
  RequestText text;
  writer.write(parts, text);
  EXPECT_THAT(std::string(text.bytes()), Not(HasSubstr("\nX-Evil")));
}

TEST(RequestText, DotsAndNothingMayNotStandInAPath) {
  EXPECT_FALSE(may_stand_in_path(""));
  EXPECT_FALSE(may_stand_in_path("."));
  EXPECT_FALSE(may_stand_in_path(".."));
  EXPECT_TRUE(may_stand_in_path("..."));
  EXPECT_TRUE(may_stand_in_path("../.."));  // its slash is encoded
}

TEST(RequestText, EveryRequestGetsAnIdOfItsOwn) {
  RequestWriter writer("a");
  RequestText text;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    auto parts = reply();
    parts.request_id = "";
    writer.write(parts, text);
    const std::string bytes(text.bytes());
    const auto at = bytes.find("x-ms-client-request-id: ") + 24;
    const std::string id = bytes.substr(at, bytes.find('\r', at) - at);
    EXPECT_THAT(id, testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
    seen.insert(id);
  }
  EXPECT_EQ(seen.size(), 1000U);
}

}  // namespace
}  // namespace tern::connector

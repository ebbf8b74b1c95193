// One answer from its bytes, and what a channel may not do to the memory and the time of the bot.
#include "net/answer_reader.hpp"

#include <boost/asio/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>

namespace tern::net {
namespace {

using Step = AnswerReader::Step;

constexpr std::size_t body_limit = 1024 * 1024;

class AnswerReaderTest : public ::testing::Test {
 protected:
  /// Gives the reader `bytes` in pieces of at most `piece`, until it has enough.
  Step give(std::string_view bytes, std::size_t piece = 4096) {
    auto step = Step::more;
    while (!bytes.empty() && step == Step::more) {
      const auto room = reader.prepare();
      const auto size = std::min({room.size(), bytes.size(), piece});
      std::copy_n(bytes.begin(), size, room.begin());
      bytes.remove_prefix(size);
      given += size;
      step = reader.take(size);
    }
    return step;
  }
  /// `begin`, then `again` for as long as the reader takes it. Says how it ended, at most after 64 MiB.
  Step give_without_end(std::string_view begin, std::string_view again) {
    reader.begin();
    given = 0;
    auto step = give(begin);
    std::string many;
    while (many.size() < 64 * 1024) {
      many += again;
    }
    while (step == Step::more && given < (64U << 20)) {
      step = give(many);
    }
    return step;
  }

  Answer answer;
  AnswerReader reader{answer, body_limit};
  std::size_t given = 0;
};

TEST_F(AnswerReaderTest, ReadsAnAnswerHoweverItIsCut) {
  const std::string text =
      "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Created\r\nRetry-After: 7\r\nKeep-Alive: timeout=9\r\n"
      "Transfer-Encoding: chunked\r\n\r\n5;a=\"b;c\"\r\n{\"id\"\r\n5\r\n:\"a\"}\r\n0\r\nRetry-After: 99\r\n\r\n";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    reader.begin();
    ASSERT_EQ(give(text, piece), Step::done) << piece;
    EXPECT_EQ(answer.status, 201);
    EXPECT_EQ(answer.body, R"({"id":"a"})");
    EXPECT_EQ(answer.retry_after, "7") << "a trailer is no header";
    EXPECT_EQ(answer.keep_alive, std::chrono::seconds(9));
    EXPECT_TRUE(answer.reusable);
  }
}

TEST_F(AnswerReaderTest, WhatHasNoEndIsGivenUpSoon) {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const struct {
    const char* what;
    std::string begin;
    std::string again;
  } cases[] = {
      {"an extension of a chunk", chunked + "1;a=", "x"},
      {"an extension of a chunk in quotes", chunked + "1;a=\"", "\\x"},
      {"a size of a chunk", chunked, "0"},
      {"many extensions of a chunk", chunked + "1", ";a=b"},
      {"chunks of one byte, each with a long extension", chunked, "1;a=" + std::string(8000, 'x') + "\r\nx\r\n"},
      {"a trailer", chunked + "0\r\na: ", "x"},
      {"trailers", chunked + "0\r\n", "a: b\r\n"},
      {"a header", "HTTP/1.1 200 OK\r\na: ", "x"},
      {"headers", "HTTP/1.1 200 OK\r\n", "a: b\r\n"},
      {"a folded header", "HTTP/1.1 200 OK\r\na: b", "\r\n c"},
      {"a reason", "HTTP/1.1 200 ", "x"},
      {"interim answers", "", "HTTP/1.1 102 Processing\r\n\r\n"},
      {"interim answers with long headers", "", "HTTP/1.1 102 Go\r\na: " + std::string(4000, 'x') + "\r\n\r\n"},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(give_without_end(each.begin, each.again), Step::broken) << each.what;
    EXPECT_LT(given, 256U * 1024) << each.what;
    EXPECT_LT(answer.body.size(), 64U * 1024) << each.what;
    EXPECT_TRUE(reader.error()) << each.what;
  }
}

TEST_F(AnswerReaderTest, ABodyWithoutEndIsReadNoFurtherThanItsBound) {
  for (const char* begin :
       {"HTTP/1.1 201 Created\r\n\r\n", "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 201 Created\r\nContent-Length: 99999999999\r\n\r\n"}) {
    const bool chunked = std::string_view(begin).find("chunked") != std::string_view::npos;
    EXPECT_EQ(give_without_end(begin, chunked ? "1\r\nx\r\n" : "x"), Step::done) << begin;
    EXPECT_EQ(answer.status, 201) << "what matters is known";
    EXPECT_TRUE(answer.body.empty()) << begin;
    EXPECT_FALSE(answer.reusable) << begin;
    EXPECT_LT(given, 8 * body_limit) << begin;
  }
}

TEST_F(AnswerReaderTest, SmallChunksAreNoFault) {
  std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 100'000; ++i) {
    text += "001\r\nx\r\n";
  }
  EXPECT_EQ(give(text + "0\r\n\r\n"), Step::done);
  EXPECT_EQ(answer.body.size(), 100'000U);
}

TEST_F(AnswerReaderTest, TheEndOfTheConnectionEndsOnlyAnAnswerWithoutALength) {
  EXPECT_EQ(give("HTTP/1.1 201 Created\r\n\r\n{}"), Step::more);
  EXPECT_EQ(reader.finish(boost::asio::error::eof), Step::done);
  for (const char* begun : {"", "HTTP/1.1 2", "HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\n{}",
                            "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n",
                            "HTTP/1.1 102 Processing\r\n\r\n"}) {
    reader.begin();
    EXPECT_EQ(give(begun), Step::more) << begun;
    EXPECT_EQ(reader.finish(boost::asio::error::eof), Step::broken) << begun;
    EXPECT_TRUE(reader.error()) << begun;
  }
  reader.begin();
  EXPECT_EQ(give("HTTP/1.1 201 Created\r\n\r\n{}"), Step::more);
  EXPECT_EQ(reader.finish(boost::asio::error::connection_reset), Step::broken) << "it is not known to be whole";
}

// An assertion of Beast ended the process here, where it is compiled with assertions.
TEST_F(AnswerReaderTest, ALastChunkAloneIsReadHoweverItIsCut) {
  const std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na: b\r\n\r\n";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    reader.begin();
    ASSERT_EQ(give(text, piece), Step::done) << piece;
    EXPECT_TRUE(answer.body.empty());
  }
}

TEST_F(AnswerReaderTest, AStatusBelow100IsNone) {
  for (const char* text : {"HTTP/1.1 006 No\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 000 No\r\n\r\n"}) {
    reader.begin();
    EXPECT_EQ(give(text), Step::broken) << text;
    EXPECT_TRUE(reader.error()) << text;
  }
}

TEST_F(AnswerReaderTest, ALargeAnswerLeavesNothingBehind) {
  EXPECT_EQ(give("HTTP/1.1 201 Created\r\nContent-Length: 1000000\r\n\r\n" + std::string(1'000'000, 'x')), Step::done);
  EXPECT_EQ(answer.body.size(), 1'000'000U);
  answer.trim();
  EXPECT_LT(answer.body.capacity(), 100U);
  reader.begin();
  EXPECT_EQ(give("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"), Step::done);
  EXPECT_EQ(answer.body, "{}");
}

}  // namespace
}  // namespace tern::net

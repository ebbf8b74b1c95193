#include "http/request_reader.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace tern::http {
namespace {

using Step = RequestReader::Step;

void give(RequestReader& reader, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto room = reader.prepare();
    ASSERT_FALSE(room.empty());
    const std::size_t n = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), n);
    reader.commit(n);
    bytes.remove_prefix(n);
  }
}

TEST(RequestReader, AHeaderThatStandsTwiceIsNoOnlyHeader) {
  RequestReader reader({.header = 1000, .body = 1000});
  give(reader, "GET /a HTTP/1.1\r\nHost: x\r\nTwice: 1\r\ntwice: 2\r\n\r\n");
  EXPECT_EQ(reader.parse(), Step::complete);
  EXPECT_EQ(reader.request().only_header("HOST"), "x");
  EXPECT_EQ(reader.request().header("twice"), "1");
  EXPECT_EQ(reader.request().only_header("twice"), std::nullopt);
  EXPECT_EQ(reader.request().only_header("none"), std::nullopt);
}

TEST(RequestReader, KeepsWhatFollowsForTheNextRequest) {
  RequestReader reader({.header = 1000, .body = 1000});
  give(reader, "GET /a HTTP/1.1\r\nHost: x\r\n\r\nPUT /b?q HTTP/1.1\r\nHost: y\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(reader.parse(), Step::complete);
  EXPECT_EQ(reader.request().method(), Method::get);
  EXPECT_EQ(reader.request().header("HOST"), "x");
  EXPECT_TRUE(reader.keep_alive());
  reader.next();
  EXPECT_FALSE(reader.started());
  EXPECT_EQ(reader.parse(), Step::complete);
  EXPECT_EQ(reader.request().method(), Method::put);
  EXPECT_EQ(reader.request().path(), "/b");
  EXPECT_EQ(reader.request().query(), "q");
  EXPECT_EQ(reader.request().header("host"), "y");
  EXPECT_EQ(reader.request().body(), "hi");
  reader.next();
  EXPECT_EQ(reader.parse(), Step::need_input);
  EXPECT_EQ(reader.request().header("host"), std::nullopt);
  EXPECT_EQ(reader.request().query(), "");
}

TEST(RequestReader, LetsSomeRequestsHaveALargerBody) {
  const LargeBodies large{100, [](const HttpRequest& head) { return head.path() == "/large" ? std::size_t{50} : 0; }};
  const auto step_of = [&](const std::string& path, const std::string& rest) {
    RequestReader reader({.header = 1000, .body = 10, .large = &large});
    give(reader, "POST " + path + " HTTP/1.1\r\nHost: x\r\n" + rest);
    const auto step = reader.parse();
    EXPECT_TRUE(step != Step::refused || reader.rejection() == Rejection::body_limit);
    return step;
  };
  EXPECT_EQ(step_of("/large", "Content-Length: 50\r\n\r\n" + std::string(50, 'x')), Step::complete);
  EXPECT_EQ(step_of("/large", "Content-Length: 51\r\n\r\n"), Step::refused);
  EXPECT_EQ(step_of("/large", "Content-Length: 1000000000\r\n\r\n"), Step::refused);
  EXPECT_EQ(step_of("/other", "Content-Length: 10\r\n\r\n" + std::string(10, 'x')), Step::complete);
  EXPECT_EQ(step_of("/other", "Content-Length: 11\r\n\r\n"), Step::refused);
  const std::string chunked = "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(step_of("/large", chunked + "32\r\n" + std::string(50, 'x') + "\r\n0\r\n\r\n"), Step::complete);
  EXPECT_EQ(step_of("/large", chunked + "33\r\n" + std::string(51, 'x') + "\r\n0\r\n\r\n"), Step::refused);
  EXPECT_EQ(step_of("/other", chunked + "a\r\n" + std::string(10, 'x') + "\r\n0\r\n\r\n"), Step::complete);
  EXPECT_EQ(step_of("/other", chunked + "b\r\n" + std::string(11, 'x') + "\r\n0\r\n\r\n"), Step::refused);
}

TEST(RequestReader, EverySplitGivesTheSameRequest) {
  const std::string text =
      "POST http://h/p?q HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  for (std::size_t at = 0; at <= text.size(); ++at) {
    RequestReader reader({.header = 1000, .body = 1000});
    give(reader, text.substr(0, at));
    EXPECT_EQ(reader.parse(), at == text.size() ? Step::complete : Step::need_input) << at;
    give(reader, text.substr(at));
    ASSERT_EQ(reader.parse(), Step::complete) << at;
    EXPECT_EQ(reader.request().path(), "/p");
    EXPECT_EQ(reader.request().query(), "q");
    EXPECT_EQ(reader.request().header("a"), "b c");
    EXPECT_EQ(reader.request().body(), "abcde");
    EXPECT_EQ(reader.unparsed(), 0U);
  }
}

// An assertion of Beast ended the process here, where it is compiled with assertions.
TEST(RequestReader, ALastChunkAloneIsReadHoweverItIsCut) {
  const std::string text = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na: b\r\n\r\n";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    RequestReader reader({.header = 1000, .body = 1000});
    auto step = Step::need_input;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      ASSERT_EQ(step, Step::need_input) << piece;
      give(reader, std::string_view(text).substr(at, piece));
      step = reader.parse();
    }
    ASSERT_EQ(step, Step::complete) << piece;
    EXPECT_TRUE(reader.request().body().empty());
    EXPECT_EQ(reader.unparsed(), 0U);
  }
}

/// How a chunked body is taken that is given at once, or byte by byte.
Step outcome_of(const std::string& chunks, bool byte_by_byte, std::size_t limit = 1000) {
  RequestReader reader({.header = limit, .body = 100'000});
  auto step = Step::need_input;
  const std::string text = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks;
  for (std::size_t at = 0; at < text.size() && step == Step::need_input;) {
    const auto size = byte_by_byte ? 1 : text.size();
    give(reader, std::string_view(text).substr(at, size));
    step = reader.parse();
    at += size;
  }
  return step;
}

// The data of a chunk may begin like the end of a line, and may come with the line of its chunk.
TEST(RequestReader, AChunkOfLineEndsIsReadHoweverItIsCut) {
  for (const std::string data : {"\n", "\n\n", "\r", "\r\n", "\n\r\n", "x\n"}) {
    const std::string text = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
                             std::to_string(data.size()) + "\r\n" + data + "\r\n1\r\n\n\r\n0\r\n\r\n";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
      RequestReader reader({.header = 1000, .body = 1000});
      auto step = Step::need_input;
      for (std::size_t at = 0; at < text.size(); at += piece) {
        ASSERT_EQ(step, Step::need_input) << "pieces of " << piece;
        give(reader, std::string_view(text).substr(at, piece));
        step = reader.parse();
      }
      EXPECT_EQ(step, Step::complete) << "pieces of " << piece;
      EXPECT_EQ(reader.request().body(), data + "\n");
    }
  }
}

TEST(RequestReader, ALineOfAChunkThatEndsWithALineFeedAloneIsRefusedHoweverItIsCut) {
  for (const char* lines : {"1\nx\r\n0\r\n\r\n", "1\r\nx\r\n1\nx\r\n", "1\r\nx\r\n0\r\n\n\r\n", "0\n\r\n\r\n"}) {
    const std::string text =
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(lines) + "xxxxxxxx";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
      RequestReader reader({.header = 1000, .body = 1000});
      auto step = Step::need_input;
      for (std::size_t at = 0; at < text.size() && step == Step::need_input; at += piece) {
        give(reader, std::string_view(text).substr(at, piece));
        step = reader.parse();
      }
      EXPECT_EQ(step, Step::refused) << lines << " in pieces of " << piece;
    }
  }
}

TEST(RequestReader, ExtensionsOfChunksHoldNoControls) {
  for (const bool bytes : {false, true}) {
    for (const std::string& wrong :
         {std::string("\n"), std::string(1, '\0'), std::string("\x01"), std::string("\x7f"), std::string("\\\n")}) {
      EXPECT_EQ(outcome_of("1;a=\"x" + wrong + "y\"\r\nz\r\n0\r\n\r\n", bytes), Step::refused) << wrong;
      EXPECT_EQ(outcome_of("1\r\nz\r\n0;a=\"" + wrong + "\"\r\n\r\n", bytes), Step::refused) << wrong;
    }
    EXPECT_EQ(outcome_of("1;a=\"x\ty\\\"\xc3\xbc\";b=c\r\nz\r\n0;d\r\n\r\n", bytes), Step::complete);
  }
}

TEST(RequestReader, ExtensionsAndTrailersCountAgainstTheExactBound) {
  const auto line = [](std::size_t extra) { return "1;" + std::string(extra - 1, 'x') + "\r\n"; };
  const auto last = [](std::size_t extra) { return "0\r\nX: " + std::string(extra - 5, 'x') + "\r\n\r\n"; };
  for (const bool bytes : {false, true}) {
    const std::string end = "z\r\n0\r\n\r\n";
    EXPECT_EQ(outcome_of(line(1000) + end, bytes), Step::complete);
    EXPECT_EQ(outcome_of(line(1001) + end, bytes), Step::refused);
    EXPECT_EQ(outcome_of(last(1000), bytes), Step::complete);
    EXPECT_EQ(outcome_of(last(1001), bytes), Step::refused);
    EXPECT_EQ(outcome_of(line(400) + "z\r\n" + line(600) + end, bytes), Step::complete);
    EXPECT_EQ(outcome_of(line(400) + "z\r\n" + line(601) + end, bytes), Step::refused) << "all together";
    EXPECT_EQ(outcome_of(line(400) + "z\r\n" + last(600), bytes), Step::complete);
    EXPECT_EQ(outcome_of(line(400) + "z\r\n" + last(601), bytes), Step::refused);
    EXPECT_EQ(outcome_of(std::string(1000, '0') + "1\r\n" + end, bytes), Step::complete);
    EXPECT_EQ(outcome_of(std::string(1001, '0') + "1\r\n" + end, bytes), Step::refused) << "zeros are no way around";
    EXPECT_EQ(outcome_of("10;" + std::string(999, 'x') + "\r\n" + std::string(16, 'z') + "\r\n0\r\n\r\n", bytes),
              Step::complete);
    EXPECT_EQ(outcome_of("10;" + std::string(1000, 'x') + "\r\n" + std::string(16, 'z') + "\r\n0\r\n\r\n", bytes),
              Step::refused);
  }
}

TEST(RequestReader, NoByteOfAnExtensionIsFree) {
  std::string chunks;
  for (int i = 0; i < 500; ++i) {
    chunks += "1;a\r\nz\r\n";
  }
  EXPECT_EQ(outcome_of(chunks + "0\r\n\r\n", false), Step::complete);
  EXPECT_EQ(outcome_of(chunks + "1;\r\nz\r\n0\r\n\r\n", false), Step::refused);
}

TEST(RequestReader, ALineFeedAloneIsRefusedBeforeItsLineEnds) {
  for (const bool bytes : {false, true}) {
    for (const char* wrong :
         {"1\n", "1;a\n", "1\r\nz\r\n2\n", "1\r\nz\r\n0\n", "0\r\nA: b\n", "0\r\nA: b\r\n\n", "1\r\nz\n"}) {
      EXPECT_EQ(outcome_of(wrong, bytes), Step::refused) << wrong;
    }
  }
  RequestReader reader({.header = 1000, .body = 1000});
  give(reader, "GET / HTTP/1.1\r\nHo");
  EXPECT_EQ(reader.parse(), Step::need_input);
  give(reader, "st: x\n");
  EXPECT_EQ(reader.parse(), Step::refused);
  EXPECT_EQ(reader.rejection(), Rejection::malformed);
}

TEST(RequestReader, ManySmallChunksCostNothingOfTheBound) {
  std::string chunks;
  for (int i = 0; i < 5'000; ++i) {
    chunks += "1\r\nz\r\n";
  }
  EXPECT_EQ(outcome_of(chunks + "0\r\n\r\n", false, 200), Step::complete);
}

TEST(RequestReader, MemoryIsGivenBack) {
  RequestReader reader({.header = 1000, .body = 1'000'000});
  give(reader, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n");
  EXPECT_EQ(reader.parse(), Step::need_input);
  const std::string piece(50'000, 'x');
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(reader.parse(), Step::need_input);
    EXPECT_GE(reader.prepare().size(), 1024U);
    give(reader, piece);
  }
  EXPECT_EQ(reader.parse(), Step::complete);
  reader.next();
  EXPECT_LE(reader.request().body().capacity(), 16U * 1024U);
  EXPECT_LE(reader.prepare().size(), 4096U);
  reader.release();
  give(reader, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(reader.parse(), Step::complete);
}

TEST(RequestReader, ReleaseKeepsInput) {
  RequestReader reader({.header = 1000, .body = 1000});
  give(reader, "\r");
  EXPECT_EQ(reader.parse(), Step::need_input);
  reader.release();
  give(reader, "\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(reader.parse(), Step::complete);
}

TEST(RequestReader, ConnectionHeaderDecides) {
  for (const auto& [version, connection, keeps] : {std::tuple{"1.1", "X: y", true},
                                                   {"1.1", "Connection: x, close", false},
                                                   {"1.0", "X: y", false},
                                                   {"1.0", "Connection: Keep-Alive", true}}) {
    RequestReader reader({.header = 1000, .body = 1000});
    give(reader, std::string("GET / HTTP/") + version + "\r\nHost: x\r\n" + connection + "\r\n\r\n");
    ASSERT_EQ(reader.parse(), Step::complete);
    EXPECT_EQ(reader.keep_alive(), keeps) << version << connection;
  }
}

}  // namespace
}  // namespace tern::http

#include <tern/async/log.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "async/log_format.hpp"
#include "support/captured_log.hpp"

namespace tern::log {
namespace {

using namespace std::chrono_literals;

const std::chrono::system_clock::time_point moment{1'767'225'600s + 7ms + 999us};

std::string text(std::string_view event, std::initializer_list<Field> fields = {}) {
  return detail::format_line(Format::text, moment, Level::info, event, fields);
}

boost::json::object json(std::string_view event, std::initializer_list<Field> fields = {}) {
  return boost::json::parse(detail::format_line(Format::json, moment, Level::warn, event, fields)).as_object();
}

// Restores the defaults, which other tests rely on.
class LogTest : public testing::Test {
 protected:
  ~LogTest() override { configure(Level::info, Format::text); }
};

TEST_F(LogTest, TextIsOneReadableLine) {
  EXPECT_EQ(text("turn failed", {{"conversation", "abc"}}),
            "2026-01-01T00:00:00.007Z info  turn failed conversation=abc");
  EXPECT_EQ(text("figures", {{"int", -1}, {"uint", 18'446'744'073'709'551'615U}, {"yes", true}, {"ratio", 0.25}}),
            "2026-01-01T00:00:00.007Z info  figures int=-1 uint=18446744073709551615 yes=true ratio=0.25");
}

TEST_F(LogTest, TextQuotesWhatCouldBeMisread) {
  EXPECT_EQ(text("e", {{"v", "a b"}}).substr(31), "e v=\"a b\"");
  EXPECT_EQ(text("e", {{"v", ""}}).substr(31), "e v=\"\"");
  EXPECT_EQ(text("e", {{"v", "a=b"}}).substr(31), "e v=\"a=b\"");
  EXPECT_EQ(text("e", {{"v", "a\"b\\c"}}).substr(31), R"(e v="a\"b\\c")");
  EXPECT_EQ(text("e", {{"v", "x\ny\x1b[31m"}}).substr(31), R"(e v="x\ny\u001b[31m")");
}

TEST_F(LogTest, JsonIsOneObjectWithTypedValues) {
  EXPECT_EQ(detail::format_line(Format::json, moment, Level::error, "turn failed",
                                {{"conversation", "abc"}, {"status", 500}, {"sent", false}}),
            R"({"time":"2026-01-01T00:00:00.007Z","level":"error","event":"turn failed",)"
            R"("conversation":"abc","status":500,"sent":false})");
  const auto parsed = json("e", {{"big", std::numeric_limits<std::uint64_t>::max()}, {"d", 1e300}});
  EXPECT_EQ(parsed.at("big").as_uint64(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(parsed.at("d").to_number<double>(), 1e300);
}

TEST_F(LogTest, NumbersThatJsonLacksBecomeWords) {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto parsed = json("e", {{"n", std::numeric_limits<double>::quiet_NaN()}, {"p", infinity}, {"m", -infinity}});
  EXPECT_EQ(parsed.at("n").as_string(), "nan");
  EXPECT_EQ(parsed.at("p").as_string(), "inf");
  EXPECT_EQ(parsed.at("m").as_string(), "-inf");
}

TEST_F(LogTest, AnyByteAnywhereGivesOneLineOfValidJson) {
  for (int first = 0; first < 256; ++first) {
    for (const int second : {0, 0x0a, 0x22, 0x5c, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc2, 0xe2, 0xff}) {
      const std::string wild{static_cast<char>(first), static_cast<char>(second), 'x'};
      const std::string line = detail::format_line(Format::json, moment, Level::info, wild, {{wild, wild}});
      EXPECT_NO_THROW(boost::json::parse(line)) << first << ' ' << second;
      for (const std::string& each : {line, text(wild, {{wild, wild}})}) {
        for (const char c : each) {
          EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) << first << ' ' << second;
        }
      }
    }
  }
}

TEST_F(LogTest, KeepsValidUtf8AndReplacesTheRest) {
  const auto escaped = [](std::string_view raw) {
    std::string out;
    detail::append_escaped(out, raw);
    return out;
  };
  EXPECT_EQ(escaped("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"),
            "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
  EXPECT_EQ(escaped("\xc0\x80"), R"(\ufffd\ufffd)");                      // overlong
  EXPECT_EQ(escaped("\xe0\x80\x80"), R"(\ufffd\ufffd\ufffd)");            // overlong
  EXPECT_EQ(escaped("\xed\xa0\x80"), R"(\ufffd\ufffd\ufffd)");            // a surrogate
  EXPECT_EQ(escaped("\xf4\x90\x80\x80"), R"(\ufffd\ufffd\ufffd\ufffd)");  // above U+10FFFF
  EXPECT_EQ(escaped("\xe2\x82"), R"(\ufffd\ufffd)");                      // cut short
  EXPECT_EQ(escaped("\xe2\x82!"), R"(\ufffd\ufffd!)");
  EXPECT_EQ(escaped("\xe2\x80\xa8\xe2\x80\xa9\xc2\x85"), R"(\u2028\u2029\u0085)");
  EXPECT_EQ(escaped(std::string_view("\0", 1)), R"(\u0000)");
}

TEST_F(LogTest, ALongTextIsCutAndSaysHowLongItWas) {
  const std::string fits(detail::longest_text, 'x');
  EXPECT_EQ(text("e", {{"id", fits}}).substr(31), "e id=" + fits);
  EXPECT_EQ(text("e", {{"id", std::string(240'000, 'x')}}).substr(31), "e id=\"" + fits + "...(240000 bytes)\"");
  EXPECT_EQ(json("e", {{"id", std::string(513, 'x')}}).at("id").as_string(), fits + "...(513 bytes)");
  EXPECT_LT(text(std::string(240'000, 'x'), {{std::string(240'000, 'y'), 1}}).size(), 1200U);
}

TEST_F(LogTest, ALongTextIsCutBetweenCharacters) {
  for (const std::string& character : {std::string("\u00e9"), std::string("\u20ac"), std::string("\U0001f426")}) {
    for (std::size_t before = 0; before < character.size(); ++before) {
      std::string id(before, 'x');
      while (id.size() <= detail::longest_text) {
        id += character;
      }
      const auto parsed = json("e", {{"id", id}});
      const auto kept = std::string_view(parsed.at("id").as_string());
      EXPECT_EQ(kept.find("\uFFFD"), std::string_view::npos) << kept;
      EXPECT_GE(kept.size(), detail::longest_text - 3) << kept;
    }
  }
  EXPECT_NO_THROW(json("e", {{"id", std::string(10'000, '\x80')}}));
}

TEST_F(LogTest, WhatIsUnseenOrTurnsTheDirectionIsSpelledOut) {
  for (const std::string& unseen :
       {std::string("\u202e"), std::string("\u202a"), std::string("\u2066"), std::string("\u2069"),
        std::string("\u200b"), std::string("\u200e"), std::string("\u200f"), std::string("\u2028"),
        std::string("\u2060"), std::string("\u061c"), std::string("\u00ad"), std::string("\ufeff"),
        std::string("\U000e0041")}) {
    const auto line = text("e", {{"id", "a" + unseen + "b"}});
    EXPECT_EQ(line.find(unseen), std::string::npos) << line;
    EXPECT_NE(line.find("\\u"), std::string::npos) << line;
    EXPECT_EQ(json("e", {{"id", unseen}}).at("id").as_string(), unseen) << "a reader of JSON finds it again";
  }
  EXPECT_EQ(text("e", {{"id", "\u202e"}}).substr(31), "e id=\"\\u202e\"");
  const std::string plain = "\u00ac\u00ae\u200a\u2010\u2027\u202f\u2070\ufefe\u0410\U0001f426";
  EXPECT_EQ(text("e", {{"id", plain}}).substr(31), "e id=" + plain) << "their neighbours are left alone";
}

TEST_F(LogTest, EnabledFollowsTheLevel) {
  configure(Level::warn, Format::text);
  EXPECT_FALSE(enabled(Level::info));
  EXPECT_TRUE(enabled(Level::warn));
  EXPECT_TRUE(enabled(Level::error));
  configure(Level::off, Format::text);
  EXPECT_FALSE(enabled(Level::error));
  EXPECT_FALSE(enabled(Level::off));
}

TEST_F(LogTest, WritesToStandardErrorWhatIsEnabled) {
  configure(Level::info, Format::json);
  test::CapturedLog captured;
  debug("hidden");
  info("shown", {{"id", "1"}});
  error("shown too");
  const std::string written = captured.take();
  const auto end = written.find('\n');
  ASSERT_NE(end, std::string::npos);
  EXPECT_EQ(boost::json::parse(written.substr(0, end)).at("event"), "shown");
  EXPECT_EQ(boost::json::parse(written.substr(end + 1)).at("event"), "shown too");
}

TEST_F(LogTest, LinesOfSeveralThreadsDoNotMix) {
  constexpr int threads = 3;
  constexpr int lines = 300;
  configure(Level::info, Format::json);
  test::CapturedLog captured;
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([i] {
      for (int n = 0; n < lines; ++n) {
        configure(Level::info, Format::json);
        info("line", {{"thread", i}, {"n", n}});
      }
    });
  }
  for (auto& thread : running) {
    thread.join();
  }
  const std::string written = captured.take();
  int seen = 0;
  for (std::size_t start = 0; start < written.size(); ++seen) {
    const auto end = written.find('\n', start);
    ASSERT_NE(end, std::string::npos);
    ASSERT_NO_THROW(boost::json::parse(written.substr(start, end - start)));
    start = end + 1;
  }
  EXPECT_EQ(seen, threads * lines);
}

// ThreadSanitizer lets no process that was forked from several threads begin one.
#if defined(__SANITIZE_THREAD__)
constexpr bool may_fork = false;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
constexpr bool may_fork = false;
#else
constexpr bool may_fork = true;
#endif
#else
constexpr bool may_fork = true;
#endif

TEST_F(LogTest, WhatWaitsIsWrittenWhenTheProcessEnds) {
  if (!may_fork) {
    GTEST_SKIP() << "the sanitizer allows no fork here";
  }
  // A process of its own: one that is forked has what threads of earlier cases held, which looks lost when it ends.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        info("the last line");
        std::exit(3);
      },
      testing::ExitedWithCode(3), "the last line");
}

TEST_F(LogTest, AChildLogsByItself) {
  if (!may_fork) {
    GTEST_SKIP() << "the sanitizer allows no fork here";
  }
  info("of the parent");
  EXPECT_EXIT(
      {
        info("of the child");
        std::_Exit(flush(std::chrono::minutes(1)) ? 4 : 5);
      },
      testing::ExitedWithCode(4), "of the child");
  EXPECT_TRUE(flush(std::chrono::minutes(1)));
}

}  // namespace
}  // namespace tern::log

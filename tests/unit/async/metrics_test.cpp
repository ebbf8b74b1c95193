#include <tern/async/metrics.hpp>
#include <tern/error.hpp>

#include "support/captured_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <stdexcept>
#include <thread>
#include <vector>

namespace tern {
namespace {

using testing::HasSubstr;
using testing::Not;

template <class Call>
error_code code_of(Call call) {
  try {
    call();
  } catch (const system_error& e) {
    return e.code();
  }
  return {};
}

TEST(Metrics, ExposesWhatWasCounted) {
  Metrics metrics;
  Counter turns = metrics.counter("tern_turns_total", "Turns that ended.", {{"outcome", "ok"}});
  turns.inc();
  turns.inc(2);
  Gauge open = metrics.gauge("tern_connections", "Open connections.");
  open.set(5);
  open.add(-2);
  Histogram seconds = metrics.histogram("tern_turn_seconds", "Duration of a turn.", {0.1, 1});
  seconds.observe(0.05);
  seconds.observe(0.5);
  seconds.observe(5);
  EXPECT_EQ(turns.value(), 3);
  EXPECT_EQ(open.value(), 3);
  const std::string text = metrics.expose();
  EXPECT_THAT(text, HasSubstr("# HELP tern_turns_total Turns that ended.\n# TYPE tern_turns_total counter\n"
                              "tern_turns_total{outcome=\"ok\"} 3"));
  EXPECT_THAT(text, HasSubstr("# TYPE tern_connections gauge\ntern_connections 3"));
  EXPECT_THAT(text, HasSubstr("tern_turn_seconds_bucket{le=\"0.1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("tern_turn_seconds_bucket{le=\"1\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("tern_turn_seconds_bucket{le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("tern_turn_seconds_count 3\n"));
}

TEST(Metrics, HandlesMadeByDefaultDoNothing) {
  Counter counter;
  counter.inc();
  EXPECT_EQ(counter.value(), 0);
  Gauge gauge;
  gauge.set(1);
  gauge.add(1);
  EXPECT_EQ(gauge.value(), 0);
  Histogram().observe(1);
}

TEST(Metrics, AskingTwiceGivesTheSameFigure) {
  Metrics metrics;
  Counter one = metrics.counter("sends_total", "Sends.", {{"a", "1"}, {"b", "2"}});
  Counter same = metrics.counter("sends_total", "Sends.", {{"b", "2"}, {"a", "1"}});
  Counter other = metrics.counter("sends_total", "Sends.", {{"a", "2"}, {"b", "2"}});
  one.inc();
  EXPECT_EQ(same.value(), 1);
  EXPECT_EQ(other.value(), 0);
  metrics.histogram("h_bytes", "Bytes.", {1, 2}).observe(1);
  metrics.histogram("h_bytes", "Bytes.", {1, 2}).observe(1);
  EXPECT_THAT(metrics.expose(), HasSubstr("h_bytes_count 2\n"));
}

TEST(Metrics, AsksForAGaugeWhenItIsCollected) {
  Metrics metrics;
  double depth = 1;
  metrics.gauge_from("queue_depth", "How many wait.", [&] { return depth; });
  EXPECT_THAT(metrics.expose(), HasSubstr("# TYPE queue_depth gauge\nqueue_depth 1\n"));
  depth = 7.5;
  EXPECT_THAT(metrics.expose(), HasSubstr("queue_depth 7.5\n"));
}

TEST(Metrics, AGaugeThatCannotBeReadIsLeftOut) {
  Metrics metrics;
  metrics.counter("good_total", "Good.").inc();
  metrics.gauge_from("bad", "Bad.", []() -> double { throw std::runtime_error("gone"); });
  metrics.gauge_from("fine", "Fine.", [] { return 2.0; });
  test::CapturedLog captured;
  const std::string text = metrics.expose();
  EXPECT_THAT(captured.take(), HasSubstr("metric=bad error=gone"));
  EXPECT_THAT(text, HasSubstr("good_total 1"));
  EXPECT_THAT(text, HasSubstr("fine 2"));
  EXPECT_THAT(text, Not(HasSubstr("bad")));
}

TEST(Metrics, ReadingAGaugeMayAskForAnother) {
  Metrics metrics;
  metrics.gauge_from("outer", "Outer.", [&] {
    metrics.counter("inner_total", "Inner.").inc();
    return 1.0;
  });
  EXPECT_THAT(metrics.expose(), HasSubstr("outer 1"));
  EXPECT_THAT(metrics.expose(), HasSubstr("inner_total"));
}

TEST(Metrics, RefusesNamesThatPrometheusDoes) {
  Metrics metrics;
  const auto invalid = make_error_code(errc::invalid_argument);
  for (const char* name : {"", "1st", "with-dash", "with space", "gr\xc3\xbc", "a\nb", "a{b}"}) {
    EXPECT_EQ(code_of([&] { metrics.counter(name, "Help."); }), invalid) << name;
    EXPECT_EQ(code_of([&] { metrics.gauge_from(name, "Help.", [] { return 0.0; }); }), invalid) << name;
  }
  for (const char* label : {"", "1st", "with:colon", "__reserved", "a b"}) {
    EXPECT_EQ(code_of([&] { metrics.gauge("g", "Help.", {{label, "x"}}); }), invalid) << label;
  }
  EXPECT_EQ(code_of([&] { metrics.gauge("g", "Help.", {{"a", "1"}, {"a", "2"}}); }), invalid);
  EXPECT_EQ(code_of([&] { metrics.histogram("h", "Help.", {1}, {{"le", "1"}}); }), invalid);
  EXPECT_FALSE(code_of([&] { metrics.counter("tern:rule_1", "Help."); }));
  EXPECT_EQ(metrics.expose().find("g{"), std::string::npos);
}

TEST(Metrics, RefusesOneNameForTwoKinds) {
  Metrics metrics;
  const auto invalid = make_error_code(errc::invalid_argument);
  metrics.counter("a", "Help.");
  EXPECT_EQ(code_of([&] { metrics.gauge("a", "Help."); }), invalid);
  EXPECT_EQ(code_of([&] { metrics.gauge_from("a", "Help.", [] { return 0.0; }); }), invalid);
  metrics.gauge_from("b", "Help.", [] { return 0.0; });
  EXPECT_EQ(code_of([&] { metrics.gauge_from("b", "Help.", [] { return 0.0; }); }), invalid);
  EXPECT_EQ(code_of([&] { metrics.gauge_from("c", "Help.", nullptr); }), invalid);
}

TEST(Metrics, RefusesBucketsThatDoNotAscendOrDiffer) {
  Metrics metrics;
  const auto invalid = make_error_code(errc::invalid_argument);
  EXPECT_EQ(code_of([&] { metrics.histogram("h", "Help.", {2, 1}); }), invalid);
  EXPECT_EQ(code_of([&] { metrics.histogram("h", "Help.", {1, 1}); }), invalid);
  EXPECT_EQ(code_of([&] { metrics.histogram("h", "Help.", {std::numeric_limits<double>::quiet_NaN()}); }), invalid);
  metrics.histogram("h", "Help.", {1, 2});
  EXPECT_EQ(code_of([&] { metrics.histogram("h", "Help.", {1, 3}, {{"x", "y"}}); }), invalid);
}

TEST(Metrics, KeepsHelpAndLabelsOnTheirLine) {
  Metrics metrics;
  metrics.counter("a_total", "Two\nlines \\ here.", {{"v", "x\"y\n\\"}}).inc();
  const std::string text = metrics.expose();
  EXPECT_THAT(text, HasSubstr("# HELP a_total Two\\nlines \\\\ here.\n"));
  EXPECT_THAT(text, HasSubstr("a_total{v=\"x\\\"y\\n\\\\\"} 1\n"));
}

TEST(Metrics, CountsFromSeveralThreadsWhileExposing) {
  Metrics metrics;
  std::atomic<double> level = 0;
  metrics.gauge_from("level", "Level.", [&] { return level.load(); });
  std::vector<std::thread> running;
  for (int i = 0; i < 3; ++i) {
    running.emplace_back([&] {
      for (int n = 0; n < 500; ++n) {
        metrics.counter("n_total", "N.").inc();
        level = n;
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    EXPECT_FALSE(metrics.expose().empty());
  }
  for (auto& thread : running) {
    thread.join();
  }
  EXPECT_EQ(metrics.counter("n_total", "N.").value(), 1500);
}

TEST(Metrics, AsksForACounterAndADistributionWhenTheyAreCollected) {
  Metrics metrics;
  metrics.counter_from("lines_total", "Lines.", [] { return 7.0; });
  for (const char* type : {"a", "b"}) {
    metrics.histogram_from("time_seconds", "Time.", {1, 2}, {{"type", type}},
                           [] { return Distribution{{1, 2, 3}, 10.5}; });
  }
  const std::string text = metrics.expose();
  EXPECT_THAT(text, HasSubstr("# TYPE lines_total counter\nlines_total 7\n"));
  EXPECT_THAT(text, HasSubstr("time_seconds_bucket{type=\"a\",le=\"1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("time_seconds_bucket{type=\"a\",le=\"2\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("time_seconds_bucket{type=\"b\",le=\"+Inf\"} 6\n"));
  EXPECT_THAT(text, HasSubstr("time_seconds_sum{type=\"b\"} 10.5\n"));
  EXPECT_EQ(text.find("# TYPE time_seconds"), text.rfind("# TYPE time_seconds")) << "one family";
  EXPECT_EQ(code_of([&] { metrics.histogram_from("time_seconds", "Time.", {1, 3}, {{"type", "c"}}, nullptr); }),
            errc::invalid_argument);
  EXPECT_EQ(code_of([&] { metrics.counter("lines_total", "Lines."); }), errc::invalid_argument);
}

}  // namespace
}  // namespace tern

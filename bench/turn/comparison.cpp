#include "turn/comparison.hpp"

#include "turn/exchange.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>

namespace bench {

namespace {

std::string random_prefix() {
  std::random_device device;
  constexpr std::string_view hex = "0123456789abcdef";
  std::string prefix;
  for (int i = 0; i < 24; ++i) {
    prefix += hex[device() % hex.size()];
  }
  return prefix + '-';
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// Both bots must say the same to the same messages, word for word, or they do not do the same work.
void check_alike(Mode mode, Contestant& bare, Contestant& bot) {
  for (int i = 0; i < 3; ++i) {
    const auto id = "probe-" + std::to_string(i);
    const auto user = i == 1 ? "probe-user-2" : "probe-user-1";
    const auto expected = bare.say(mode, id, "probe-conversation", user);
    const auto found = bot.say(mode, id, "probe-conversation", user);
    if (boost::json::value(expected) != boost::json::value(found)) {
      throw std::runtime_error(bot.name() + " and " + bare.name() + " reply differently:\n" +
                               boost::json::serialize(found) + "\n" + boost::json::serialize(expected));
    }
  }
}

struct Round {
  Measurement bare;
  Measurement bot;
  double ratio() const { return bot.total_us / bare.total_us; }
};

void print(const char* label, const Measurement& bare, const Measurement& bot, double ratio) {
  const auto user = [](const Measurement& m) { return m.total_us - m.system_us; };
  std::printf("  %-7s %7.2f (%5.2f + %5.2f) %8.0f   %7.2f (%5.2f + %5.2f) %8.0f   %6.3f\n", label, bare.total_us,
              user(bare), bare.system_us, bare.per_second, bot.total_us, user(bot), bot.system_us, bot.per_second,
              ratio);
  std::fflush(stdout);
}

void print_head(Mode mode, const std::string& bare, const ComparisonSettings& settings) {
  std::printf("\n%s: state_bot (memory, one shard) beside %s\n",
              mode == Mode::replies ? "Replies in the response (expectReplies)"
                                    : "Replies posted to the channel (normal delivery)",
              bare.c_str());
  std::printf("  %u rounds of %u s, %u connections, %u conversations and users; processor time in us for each turn\n\n",
              settings.rounds, settings.load.seconds, settings.load.connections, settings.load.conversations);
  std::printf("  %-7s %-25s %8s   %-25s %8s   %6s\n", "round", (bare + " (user + sys)").c_str(), "turns/s",
              "state_bot (user + sys)", "turns/s", "ratio");
}

Measurement middle(const std::vector<Round>& rounds, Measurement Round::* side) {
  const auto of = [&](double Measurement::* figure) {
    std::vector<double> values;
    for (const auto& round : rounds) {
      values.push_back(round.*side.*figure);
    }
    return median(std::move(values));
  };
  Measurement all;
  all.total_us = of(&Measurement::total_us);
  all.system_us = of(&Measurement::system_us);
  all.per_second = of(&Measurement::per_second);
  return all;
}

bool summarise(const std::vector<Round>& rounds) {
  std::vector<double> ratios;
  for (const auto& round : rounds) {
    ratios.push_back(round.ratio());
  }
  const auto ratio = median(ratios);
  print("median", middle(rounds, &Round::bare), middle(rounds, &Round::bot), ratio);
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  const bool met = ratio <= target;
  std::printf("\n  median of the paired ratios %.3f (%.3f to %.3f), target at most %.2f: %s\n", ratio, *least, *most,
              target, met ? "met" : "MISSED");
  std::fflush(stdout);
  return met;
}

using Measure = std::function<Measurement(Contestant&, unsigned seconds)>;

std::vector<Round> run_rounds(const ComparisonSettings& settings, const Measure& measure, Contestant& bare,
                              Contestant& bot) {
  measure(bare, 1);  // not counted: memory is touched and connections are made for the first time
  measure(bot, 1);
  std::vector<Round> rounds(settings.rounds);
  for (unsigned i = 0; i < settings.rounds; ++i) {
    // The second one finds the machine as the first one has left it, so they take turns at that too.
    auto& round = rounds[i];
    if (i % 2 == 0) {
      round.bare = measure(bare, settings.load.seconds);
      round.bot = measure(bot, settings.load.seconds);
    } else {
      round.bot = measure(bot, settings.load.seconds);
      round.bare = measure(bare, settings.load.seconds);
    }
    print(std::to_string(i + 1).c_str(), round.bare, round.bot, round.ratio());
  }
  return rounds;
}

}  // namespace

bool compare(Mode mode, const ComparisonSettings& settings) {
  const std::string baseline = mode == Mode::replies ? "bare_responder" : "bare_forwarder";
  const auto server_core = settings.pin ? std::optional(0) : std::nullopt;
  auto load = settings.load;
  load.core = settings.pin ? std::optional(1) : std::nullopt;

  const auto sink_port = free_port();
  std::unique_ptr<Process> sink;
  if (mode == Mode::delivery) {
    sink = std::make_unique<Process>(std::vector{settings.programs + "/sink", std::to_string(sink_port)},
                                     SpawnOptions{load.core, settings.logs + "/sink.log", {}});
    if (!wait_for_port(sink_port)) {
      throw std::runtime_error("the sink does not listen; see " + settings.logs + "/sink.log");
    }
  }
  const auto service_url = "http://127.0.0.1:" + std::to_string(sink_port);

  Contestant bare({settings.programs + "/" + baseline, "@port@"}, settings.logs + "/" + baseline + ".log", server_core);
  Contestant bot(
      {settings.state_bot, "--set", "listen.port=@port@", "--set", "listen.threads=1", "--set", "storage.kind=memory"},
      settings.logs + "/state_bot.log", server_core);
  check_alike(mode, bare, bot);
  print_head(mode, baseline, settings);

  const auto measure = [&](Contestant& one, unsigned seconds) {
    auto this_load = load;
    this_load.seconds = seconds;
    return one.measure(mode, service_url, random_prefix(), this_load);
  };
  const auto rounds = run_rounds(settings, measure, bare, bot);
  bare.check_counts(mode, load);
  bot.check_counts(mode, load);
  bare.stop();
  bot.stop();
  return summarise(rounds);
}

}  // namespace bench

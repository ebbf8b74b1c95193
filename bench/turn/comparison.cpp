#include "turn/comparison.hpp"

#include "auth/authority.hpp"
#include "turn/alternation.hpp"
#include "turn/exchange.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <utility>

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

/// One after the other, or in turns of a tenth of a second. These are for two that are so near to each other that the
/// noise of the machine, which changes from second to second, would hide the difference.
enum class Loads { one_by_one, in_short_turns };

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

const char* name_of(Mode mode) {
  return mode == Mode::replies ? "Replies in the response (expectReplies)"
                               : "Replies posted to the channel (normal delivery)";
}

/// `left` and `right`: the names of those that are compared.
void print_head(Mode mode, const std::string& left, const std::string& right, Loads loads,
                const ComparisonSettings& settings) {
  std::printf("\n%s: %s (memory, one shard) beside %s, loaded %s\n", name_of(mode), right.c_str(), left.c_str(),
              loads == Loads::in_short_turns ? "in turns of 0.1 s" : "one by one");
  std::printf("  %u rounds of %u s, %u connections, %u conversations and users; processor time in us for each turn\n\n",
              settings.rounds, settings.load.seconds, settings.load.connections, settings.load.conversations);
  std::printf("  %-7s %-25s %8s   %-25s %8s   %6s\n", "round", (left + " (user + sys)").c_str(), "turns/s",
              (right + " (user + sys)").c_str(), "turns/s", "ratio");
}

Measurement middle(const std::vector<Round>& rounds, Measurement Round::* side) {
  const auto of = [&](double Measurement::* figure) {
    std::vector<double> values;
    values.reserve(rounds.size());
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

bool summarise(const std::vector<Round>& rounds, double most_allowed) {
  std::vector<double> ratios;
  ratios.reserve(rounds.size());
  for (const auto& round : rounds) {
    ratios.push_back(round.ratio());
  }
  const auto ratio = median(ratios);
  print("median", middle(rounds, &Round::bare), middle(rounds, &Round::bot), ratio);
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  const bool met = ratio <= most_allowed;
  std::printf("\n  median of the paired ratios %.3f (%.3f to %.3f), target at most %.2f: %s\n", ratio, *least, *most,
              most_allowed, met ? "met" : "MISSED");
  std::fflush(stdout);
  return met;
}

using Began = std::function<void(pid_t)>;
using Measure = std::function<Measurement(Contestant&, unsigned seconds, const Began& began)>;

/// A measurement on a thread of its own.
struct Measuring {
  Measuring(const Measure& measure, Contestant& one, unsigned seconds) {
    std::promise<Load> beginning;
    load = beginning.get_future();
    result = std::async(std::launch::async, [&measure, &one, seconds, made = std::move(beginning)]() mutable {
      auto load_of = std::move(made);  // it ends with this call, so that an error before the load is not waited for
      return measure(one, seconds, [&](pid_t pid) { load_of.set_value(Load(pid)); });
    });
  }
  bool has_ended() const { return result.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }

  std::future<Load> load;
  std::future<Measurement> result;
};

Round measure_in_short_turns(const Measure& measure, Contestant& bare, Contestant& bot, unsigned seconds) {
  Measuring of_bare(measure, bare, 2 * seconds);
  Measuring of_bot(measure, bot, 2 * seconds);
  {
    const Load load_of_bare = of_bare.load.get();
    const Load load_of_bot = of_bot.load.get();
    alternate(load_of_bare, load_of_bot, [&] { return of_bare.has_ended() || of_bot.has_ended(); });
  }
  Round round;
  round.bare = of_bare.result.get();
  round.bot = of_bot.result.get();
  return round;
}

std::vector<Round> run_rounds(const ComparisonSettings& settings, Loads loads, const Measure& measure, Contestant& bare,
                              Contestant& bot) {
  measure(bare, 1, {});  // not counted: memory is touched and connections are made for the first time
  measure(bot, 1, {});
  std::vector<Round> rounds(settings.rounds);
  for (unsigned i = 0; i < settings.rounds; ++i) {
    // The second one finds the machine as the first one has left it, so they take turns at that too.
    auto& round = rounds[i];
    if (loads == Loads::in_short_turns) {
      round = measure_in_short_turns(measure, bare, bot, settings.load.seconds);
    } else if (i % 2 == 0) {
      round.bare = measure(bare, settings.load.seconds, {});
      round.bot = measure(bot, settings.load.seconds, {});
    } else {
      round.bot = measure(bot, settings.load.seconds, {});
      round.bare = measure(bare, settings.load.seconds, {});
    }
    print(std::to_string(i + 1).c_str(), round.bare, round.bot, round.ratio());
  }
  return rounds;
}

/// What all servers of a comparison have in common: the channel, and the cores.
class Course {
 public:
  Course(Mode mode, const ComparisonSettings& settings)
      : mode_(mode), settings_(settings), load_(settings.load), sink_port_(free_port()) {
    load_.core = settings.pin ? std::optional(1) : std::nullopt;
    if (mode == Mode::delivery) {
      sink_ = std::make_unique<Process>(std::vector{settings.programs + "/sink", std::to_string(sink_port_)},
                                        SpawnOptions{load_.core, settings.logs + "/sink.log", {}});
      if (!wait_for_port(sink_port_)) {
        throw std::runtime_error("the sink does not listen; see " + settings.logs + "/sink.log");
      }
    }
  }

  std::optional<int> server_core() const { return settings_.pin ? std::optional(0) : std::nullopt; }

  /// Loads both. True when the ratio is within `most_allowed`.
  bool run(Contestant& left, Contestant& right, const std::string& left_name, const std::string& right_name,
           Loads loads, double most_allowed) const {
    check_alike(mode_, left, right);
    print_head(mode_, left_name, right_name, loads, settings_);
    const auto service_url = "http://127.0.0.1:" + std::to_string(sink_port_);
    const auto measure = [&](Contestant& one, unsigned seconds, const Began& began) {
      auto this_load = load_;
      this_load.seconds = seconds;
      this_load.began = began;
      return one.measure(mode_, service_url, random_prefix(), this_load);
    };
    const auto rounds = run_rounds(settings_, loads, measure, left, right);
    left.check_counts(mode_, load_);
    right.check_counts(mode_, load_);
    left.stop();
    right.stop();
    return summarise(rounds, most_allowed);
  }

 private:
  const Mode mode_;
  const ComparisonSettings& settings_;
  LoadSettings load_;
  const std::uint16_t sink_port_;
  std::unique_ptr<Process> sink_;
};

std::vector<std::string> state_bot(const ComparisonSettings& settings, const std::vector<std::string>& more = {}) {
  std::vector<std::string> command{settings.state_bot, "--set", "listen.port=@port@", "--set",
                                   "listen.threads=1", "--set", "storage.kind=memory"};
  for (const auto& setting : more) {
    command.emplace_back("--set");
    command.push_back(setting);
  }
  return command;
}

}  // namespace

bool compare(Mode mode, const ComparisonSettings& settings) {
  const Course course(mode, settings);
  const std::string baseline = mode == Mode::replies ? "bare_responder" : "bare_forwarder";
  Contestant bare({settings.programs + "/" + baseline, "@port@"}, settings.logs + "/" + baseline + ".log",
                  course.server_core());
  Contestant bot(state_bot(settings), settings.logs + "/state_bot.log", course.server_core());
  return course.run(bare, bot, baseline, "state_bot", Loads::one_by_one, target);
}

bool compare_tokens(Mode mode, const ComparisonSettings& settings) {
  const Course course(mode, settings);
  const Authority authority;
  Contestant without(state_bot(settings), settings.logs + "/state_bot.log", course.server_core());
  Contestant with(state_bot(settings, authority.settings()), settings.logs + "/state_bot_with_tokens.log",
                  course.server_core(), Authority::token);
  return course.run(without, with, "without tokens", "with tokens", Loads::in_short_turns, token_target);
}

}  // namespace bench

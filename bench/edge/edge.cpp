// Users of a bot beside strangers who take what they can. See docs/benchmarks.md.

#include "auth/authority.hpp"
#include "edge/healthy.hpp"
#include "edge/strangers.hpp"
#include "schedule/bot_side.hpp"
#include "support/temporary_folder.hpp"
#include "support/test_certificate.hpp"
#include "turn/exchange.hpp"
#include "turn/machine.hpp"

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr double target = 2;
constexpr double mebi = 1024.0 * 1024.0;
constexpr std::size_t descriptors = 20'000;
constexpr std::chrono::seconds gathering{5};  // for strangers to connect
constexpr int longest_gathering = 30;         // seconds, where they take longer to settle
constexpr int bot_core = 0;                   // where they are pinned
constexpr double calm = 0.25;                 // of a processor: what the bot has to do then is keep them

struct Options {
  double seconds = 10;
  std::size_t rate = 200;
  std::size_t rounds = 3;
  std::vector<std::string> only;
  bool together = false;
  bool pin = false;
  bool check = false;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// One figure, without strangers and beside them, in each round.
class Pairs {
 public:
  void add(double before, double beside) {
    before_.push_back(before);
    beside_.push_back(beside);
    ratios_.push_back(beside / before);
  }
  bool print(const char* what) const {
    const double ratio = median(ratios_);
    const auto [least, most] = std::minmax_element(ratios_.begin(), ratios_.end());
    std::printf("  %-32s %8.2f ms   beside them %8.2f ms   ratio %.2f (%.2f to %.2f) <= %g %s\n", what, median(before_),
                median(beside_), ratio, *least, *most, target, ratio <= target ? "met" : "MISSED");
    return ratio <= target;
  }

 private:
  std::vector<double> before_;
  std::vector<double> beside_;
  std::vector<double> ratios_;
};

/// The files of a certificate, and the settings that name them.
class Certificate {
 public:
  Certificate() {
    const auto made = tern::test::make_certificate("DNS:localhost", {.rsa = true});
    std::ofstream(folder_.path() / "tls.crt") << made.pem;
    std::ofstream(folder_.path() / "tls.key") << made.key;
  }
  void add_to(std::vector<std::string>& settings) const {
    settings.push_back("listen.certificate=" + (folder_.path() / "tls.crt").string());
    settings.push_back("listen.certificate_key=" + (folder_.path() / "tls.key").string());
  }

 private:
  tern::test::TemporaryFolder folder_;
};

/// A bot of its own in each round, so that nobody finds what others have left.
class Trial {
 public:
  Trial(std::string bot, std::string log, const bench::Strangers::Kind& kind, const Options& options)
      : bot_(std::move(bot)), log_(std::move(log)), kind_(kind), options_(options) {}

  bool run() {
    for (std::size_t i = 0; i < options_.rounds; ++i) {
      round();
    }
    std::printf("\n%s: %zu %s\n", kind_.name, kind_.count, kind_.what);
    const bool turns = turns_.print("p99 of a turn");
    const bool answers = lateness_.print("p99 of an answer's lateness");
    std::printf("  %zu turns failed, %zu answers are missing, of %zu; %zu strangers at the end, the bot %.0f %% busy\n",
                failed_, missing_, messages_, active_, busy_ * 100);
    if (kind_.counted != nullptr) {
      std::printf("  %.0f %s each second\n", refused_, kind_.counted);
    }
    std::printf("  memory of the bot: %.0f MiB before, %.0f MiB at the end\n", memory_before_ / mebi, memory_ / mebi);
    std::fflush(stdout);
    return turns && answers && failed_ + missing_ == 0;
  }

 private:
  // Until they are all there. Those who ask and do not read have asked 200 times each by then, which is no part of what
  // is measured: it is over after a few seconds, or later where the machine has other things to do.
  void gather(const bench::RunningBot& bot) const {
    std::this_thread::sleep_for(gathering);
    for (int i = 0; kind_.settle && i < longest_gathering; ++i) {
      const auto before = bot.cpu().total;
      std::this_thread::sleep_for(std::chrono::seconds(1));
      if (bot.cpu().total - before < calm) {
        return;
      }
    }
  }

  std::vector<std::string> settings_of_bot(std::uint16_t port, const bench::Authority& authority) const {
    auto settings = kind_.counted != nullptr ? authority.settings() : std::vector<std::string>();
    for (const char* more : {"listen.threads=1", "limits.client_requests=100", "log.level=error"}) {
      settings.emplace_back(more);
    }
    settings.push_back("listen.port=" + std::to_string(port));
    if (kind_.tls) {
      certificate_.add_to(settings);
    }
    return settings;
  }

  bench::TokenFor token_for() const {
    return kind_.counted != nullptr ? bench::TokenFor(bench::Authority::token) : nullptr;
  }

  void round() {
    const auto port = bench::free_port();
    const bench::Authority authority;
    bench::RunningBot bot(bot_, settings_of_bot(port, authority), log_,
                          options_.pin ? std::optional(bot_core) : std::nullopt);
    if (!bench::wait_for_port(port)) {
      throw std::runtime_error("the bot does not listen; see " + log_);
    }
    bench::Healthy users(port, options_.rate, token_for(), kind_.tls);
    (void)users.measure(2);  // first connections and memory
    const auto before = users.measure(options_.seconds);
    memory_before_ = bot.memory();
    bench::HealthyFigures beside;
    {
      bench::Strangers strangers(kind_.name, kind_.count, port, users.channel_url(), options_.together);
      gather(bot);
      const auto cpu = bot.cpu().total;
      const auto refused = strangers.refused();
      const auto begin = std::chrono::steady_clock::now();
      beside = users.measure(options_.seconds);
      const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      busy_ = (bot.cpu().total - cpu) / took;
      refused_ = static_cast<double>(strangers.refused() - refused) / took;
      active_ = strangers.active();
      memory_ = bot.memory();
      if (kind_.answers) {
        bot.stop();
      }
    }
    if (!kind_.answers) {
      bot.stop();
    }
    turns_.add(before.turn_p99_ms, beside.turn_p99_ms);
    lateness_.add(before.late_p99_ms, beside.late_p99_ms);
    for (const auto& figures : {before, beside}) {
      messages_ += figures.turns;
      failed_ += figures.failed;
      missing_ += figures.missing;
    }
  }

  const std::string bot_;
  const std::string log_;
  const bench::Strangers::Kind& kind_;
  const Options& options_;
  const Certificate certificate_;
  Pairs turns_;
  Pairs lateness_;
  std::size_t messages_ = 0;
  std::size_t failed_ = 0;
  std::size_t missing_ = 0;
  std::size_t active_ = 0;
  double busy_ = 0;     // share of a processor, beside strangers
  double refused_ = 0;  // bad tokens a second
  double memory_before_ = 0;
  double memory_ = 0;
};

int run(const Options& options, const std::filesystem::path& programs) {
  bench::raise_descriptors(descriptors);
  if (options.pin) {
    bench::leave_core(bot_core);
  }
  const auto bot = (programs.parent_path() / "examples" / "proactive_bot").string();
  const auto log = std::filesystem::temp_directory_path() / ("tern-bench-edge-" + std::to_string(::getpid()) + ".log");
  std::printf("proactive_bot on one shard, memory storage; users send %zu messages a second; medians of %zu rounds\n",
              options.rate, options.rounds);
  bool met = true;
  for (const auto& kind : bench::Strangers::kinds()) {
    if (options.only.empty() || std::find(options.only.begin(), options.only.end(), kind.name) != options.only.end()) {
      met = Trial(bot, log.string(), kind, options).run() && met;
    }
  }
  std::filesystem::remove(log);  // kept after a failure, whose message names it
  return options.check && !met ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  std::vector<std::string> names;
  for (const auto& kind : bench::Strangers::kinds()) {
    names.emplace_back(kind.name);
  }
  CLI::App parser("edge: users of a bot beside strangers who take what they can");
  parser.add_option("--seconds", options.seconds, "Of each measurement (10)")->check(CLI::Range(1.0, 600.0));
  parser.add_option("--rounds", options.rounds, "Each with a bot of its own; the median counts (3)")
      ->check(CLI::Range(1UL, 100UL));
  parser.add_option("--rate", options.rate, "Messages of users each second (200)")->check(CLI::Range(1UL, 20'000UL));
  parser.add_option("--only", options.only, "One kind of strangers; may be given again. Default: all")
      ->check(CLI::IsMember(names));
  parser.add_flag("--together", options.together,
                  "Strangers do what they do once a second at the same moment, not spread over the second");
  parser.add_flag("--pin", options.pin,
                  "The bot on core 0, users and strangers on the others. Default: as the kernel likes");
  parser.add_flag("--check", options.check, "Exit with 1 when a target is missed");
  CLI11_PARSE(parser, argc, argv);
  try {
    return run(options, std::filesystem::read_symlink("/proc/self/exe").parent_path());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "edge: %s\n", e.what());
    return 2;
  }
}

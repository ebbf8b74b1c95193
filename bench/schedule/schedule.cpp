// The durable schedule with very many pending sends, beside its targets. See docs/benchmarks.md.

#include "app/storage_factory.hpp"
#include "schedule/bot_side.hpp"
#include "schedule/channel.hpp"
#include "schedule/compare.hpp"
#include "schedule/store_side.hpp"
#include "storage/bare.hpp"
#include "storage/figures.hpp"

#include <tern/async/log.hpp>
#include <tern/async/metrics.hpp>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::chrono::seconds open_patience{60};
constexpr std::size_t most_concurrent = 256;
constexpr std::size_t in_memory = 100'000;  ///< pending sends of the comparison
constexpr double mebi = 1024.0 * 1024.0;
constexpr double twice_for_a_kill = 2 * (320 + 256);  ///< `limits.sends_in_flight` and a batch, for two shards

struct Options {
  std::size_t pending = 10'000'000;
  std::size_t burst = 100'000;
  double seconds = 5;
  std::size_t rate = 6'000;
  std::vector<std::string> stores{"rocksdb", "postgres"};
  std::vector<std::string> only;
  std::size_t rounds = 1;
  std::string folder;
  bool check = false;

  bool asks_for(const char* part) const {
    return only.empty() || std::find(only.begin(), only.end(), part) != only.end();
  }
};

/// What is asked of a store. 0: nothing.
struct Targets {
  double schedule_per_second = 0;
  double schedule_p99_ms = 0;
  double fire_per_second = 20'000;
  double http_per_second = 0;
  double lateness_p99_ms = 0;
  bool is_shared = false;  ///< whether another replica can take over
};

template <class T>
T finish(tern::awaitable<T> work) {
  boost::asio::io_context io{1};
  auto outcome = boost::asio::co_spawn(io, std::move(work), boost::asio::use_future);
  io.run();
  return outcome.get();
}

class Table {
 public:
  void row(const std::string& what, double measured, const char* unit, double target, bool at_least) {
    const bool met = target == 0 || (at_least ? measured >= target : measured <= target);
    std::printf("  %-58s %12.*f %-6s", what.c_str(), measured < 100 ? 2 : 0, measured, unit);
    if (target > 0) {
      std::printf(" %s %-8g %s", at_least ? ">=" : "<=", target, met ? "met" : "MISSED");
    }
    std::puts("");
    std::fflush(stdout);
    all_met_ = all_met_ && met;
  }
  void none(const std::string& what, std::size_t count) {
    std::printf("  %-58s %12zu %-6s = 0         %s\n", what.c_str(), count, "", count == 0 ? "met" : "MISSED");
    std::fflush(stdout);
    all_met_ = all_met_ && count == 0;
  }
  bool all_met() const noexcept { return all_met_; }

 private:
  bool all_met_ = true;
};

tern::WallTime from_us(std::int64_t us) {
  return tern::WallTime(std::chrono::microseconds(us));
}

/// Waits until a store has done what a bulk of writes leaves to do; the seconds it took.
using Settle = std::function<double(tern::Metrics&)>;

constexpr std::chrono::seconds longest_settling{180};

// Until compaction has caught up.
double settle_rocksdb(tern::Metrics& metrics) {
  constexpr std::chrono::milliseconds pause{500};
  const std::string name = "\ntern_rocksdb_pending_compaction_bytes ";
  const auto begun = std::chrono::steady_clock::now();
  const auto took = [&] { return std::chrono::steady_clock::now() - begun; };
  const auto is_behind = [&] {
    const auto text = metrics.expose();
    const auto line = text.find(name);
    if (line == std::string::npos) {
      throw std::runtime_error("the metrics have no tern_rocksdb_pending_compaction_bytes");
    }
    return std::stod(text.substr(line + name.size())) > 0;
  };
  while (is_behind() && took() < longest_settling) {
    std::this_thread::sleep_for(pause);
  }
  return std::chrono::duration<double>(took()).count();
}

class StoreBench {
 public:
  StoreBench(std::string name, tern::Settings settings, std::vector<std::string> bot_settings, Targets targets,
             const Options& options, std::string bot, std::string log, Settle settle)
      : name_(std::move(name)),
        settings_(std::move(settings)),
        bot_settings_(std::move(bot_settings)),
        targets_(targets),
        options_(options),
        bot_(std::move(bot)),
        log_(std::move(log)),
        settle_(std::move(settle)) {}

  bool run() {
    std::printf("\n%s\n", name_.c_str());
    if (options_.asks_for("store")) {
      with_store([&](const tern::AnyStorage& store, tern::Metrics& metrics) {
        fill(store, metrics);
        fire(store);
        schedule(store);
      });
    }
    for (std::size_t round = 0; round < options_.rounds && options_.asks_for("burst"); ++round) {
      burst();
    }
    if (options_.asks_for("stream")) {
      stream();
    }
    if (targets_.is_shared && options_.asks_for("take-over")) {
      take_over();
    }
    return table_.all_met();
  }

 private:
  // A store of one process is open while nobody else needs it.
  void with_store(const std::function<void(const tern::AnyStorage&, tern::Metrics&)>& work) {
    tern::Metrics metrics;
    auto store =
        tern::app::make_documents(settings_, tern::system_clock(), &metrics, tern::app::Patience::of_a_bot).storage;
    finish(store.open(tern::Deadline::after(open_patience)));
    work(store, metrics);
    finish(store.close(tern::Deadline::after(open_patience)));
  }

  void fire(const tern::AnyStorage& store) {
    const auto due = from_us(now_us());
    bench::fill_schedule(store, channel_.url(), options_.burst, options_.burst, [&](std::size_t) { return due; });
    const auto fired = bench::measure_firing(store, options_.burst);
    table_.row("fire, store side", fired.per_second, "/s", targets_.fire_per_second, true);
    table_.row("  processor time for each", fired.cpu_us, "us", 0, false);
  }

  void schedule(const tern::AnyStorage& store) {
    const auto scheduled = bench::measure_scheduling(store, most_concurrent, options_.seconds);
    table_.row("durable schedule, 256 at once", scheduled.per_second, "/s", targets_.schedule_per_second, true);
    table_.row("  p99", scheduled.p99_us / 1000, "ms", targets_.schedule_p99_ms, false);
    table_.row("  processor time for each", scheduled.cpu_us, "us", 0, false);
    // What is promised at a rate is measured at that rate: callers that come again at once drive any store to where its
    // queue is long.
    const auto rate = static_cast<std::size_t>(targets_.schedule_per_second);
    const auto steady = bench::measure_scheduling_at(store, targets_.schedule_per_second, options_.seconds);
    table_.row("  p99 when " + std::to_string(rate) + " come each second", steady.p99_us / 1000, "ms",
               targets_.schedule_p99_ms, false);
    if (steady.refused > 0) {
      table_.none("  refused, because the store fell behind", steady.refused);
    }
  }

  // Over four weeks, beginning tomorrow.
  void fill(const tern::AnyStorage& store, tern::Metrics& metrics) {
    const auto begin = now_us() + 86'400'000'000;
    const auto step = static_cast<std::int64_t>(27) * 86'400'000'000 / static_cast<std::int64_t>(options_.pending);
    const auto took =
        bench::fill_schedule(store, channel_.url(), options_.pending, options_.pending / 10 + 1,
                             [&](std::size_t i) { return from_us(begin + static_cast<std::int64_t>(i) * step); });
    std::printf("  (%zu pending sends written in %.0f s)\n", options_.pending, took);
    std::printf("  (the store had put them in order another %.0f s later)\n", settle_(metrics));
    std::fflush(stdout);
  }

  // All due at once: how soon the first comes after a start, and how fast the rest.
  void burst() {
    with_store([&](const tern::AnyStorage& store, tern::Metrics&) {
      const auto due = from_us(now_us());
      bench::fill_schedule(store, channel_.url(), options_.burst, options_.burst / 10,
                           [&](std::size_t) { return due; });
    });
    const auto before = channel_.count();
    bench::RunningBot bot(bot_, bot_settings_, log_);
    channel_.wait_for(before + options_.burst, std::chrono::seconds(300));
    const auto cpu = bot.cpu();
    const auto arrivals = channel_.arrivals(before);
    const auto first = static_cast<double>(arrivals.front().at_us - bot.started_us()) / 1e6;
    const auto figures = bench::figures_of(arrivals);
    table_.row("restart to first fire", first, "s", 1, false);
    table_.row("fire, end to end over loopback HTTP", figures.per_second, "/s", targets_.http_per_second, true);
    table_.row("  processor time of the bot for each", cpu.total * 1e6 / static_cast<double>(options_.burst), "us", 0,
               false);
    table_.none("sent early", figures.early);
    bot.stop();
    none_lost(before, options_.burst);
  }

  // One after the other at a steady rate.
  void stream() {
    const auto count = static_cast<std::size_t>(static_cast<double>(options_.rate) * options_.seconds);
    std::int64_t begin = 0;
    with_store([&](const tern::AnyStorage& store, tern::Metrics&) {
      begin = now_us() + 10'000'000 + static_cast<std::int64_t>(count) * 50;
      const auto step = 1'000'000.0 / static_cast<double>(options_.rate);
      bench::fill_schedule(store, channel_.url(), count, count / 10 + 1, [&](std::size_t i) {
        return from_us(begin + static_cast<std::int64_t>(static_cast<double>(i) * step));
      });
    });
    const auto before = channel_.count();
    bench::RunningBot bot(bot_, bot_settings_, log_);
    channel_.wait_for(before + count, std::chrono::seconds(300));
    const auto figures = bench::figures_of(channel_.arrivals(before));
    const auto rate = " at " + std::to_string(options_.rate) + "/s";
    if (bot.started_us() + 2'000'000 > begin) {
      std::puts("  (the machine was too slow to start the bot before the first was due)");
    }
    table_.row("lateness at the channel, p99," + rate, figures.p99_ms, "ms", targets_.lateness_p99_ms, false);
    table_.row("  p50", figures.p50_ms, "ms", 0, false);
    table_.row("  worst", figures.worst_ms, "ms", 0, false);
    table_.row("memory of the bot with all that pending, private", bot.memory() / mebi, "MiB", 256, false);
    table_.row("  resident, with libraries and cached files", bot.resident() / mebi, "MiB", 256, false);
    table_.none("sent early", figures.early);
    bot.stop();
    none_lost(before, count);
  }

  // One replica stays. Of three others, one after the other, one is killed, one hangs, and one is stopped as it should
  // be, while sends are due all the time.
  void take_over() {
    constexpr std::size_t rate = 200;
    constexpr std::size_t seconds = 60;
    with_store([&](const tern::AnyStorage& store, tern::Metrics&) {
      const auto begin = now_us() + 2'000'000;
      bench::fill_schedule(store, channel_.url(), rate * seconds, rate * seconds, [&](std::size_t i) {
        return from_us(begin + static_cast<std::int64_t>(i * 1'000'000 / rate));
      });
    });
    const auto before = channel_.count();
    bench::RunningBot other(bot_, bot_settings_, log_ + ".other");
    other.wait_for(" serving ");
    using Bot = bench::RunningBot;
    const auto row = [&](const char* what, double seconds, double target) {
      table_.row(what, seconds, "s", target, false);
    };
    // The other sees on its own machine that the process is gone; of one elsewhere, or that hangs, the lease must end.
    row("another replica takes over after kill -9", taken_over(other, [](Bot& bot) { bot.kill(); }), 10);
    row("  when its lease is over", taken_over(other, [](Bot& bot) { bot.signal(SIGSTOP); }), 10);
    row("  after a clean stop", taken_over(other, [](Bot& bot) { bot.signal(SIGTERM); }), 0.3);
    channel_.wait_for(before + rate * seconds, std::chrono::seconds(120));
    other.stop();
    const auto distinct = channel_.distinct(before);
    table_.none("acknowledged and lost", rate * seconds - distinct);
    table_.row("sent twice, by two that ended without a word",
               static_cast<double>(channel_.count() - before - distinct), "", 2 * twice_for_a_kill, false);
  }

  // Starts one more, lets it take its share, and ends it; the seconds until `other` has all again.
  double taken_over(bench::RunningBot& other, const std::function<void(bench::RunningBot&)>& end) {
    const std::string alone = "held=" + std::to_string(tern::slot_count) + " owners=1";
    const std::string shared = "held=" + std::to_string(tern::slot_count / 2) + " owners=2";
    auto mark = other.mark();
    bench::RunningBot bot(bot_, bot_settings_, log_);
    other.wait_for(shared, mark);
    bot.wait_for(shared);
    mark = other.mark();
    const auto ended_at = std::chrono::steady_clock::now();
    end(bot);
    other.wait_for(alone, mark);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - ended_at).count();
  }

  void none_lost(std::size_t before, std::size_t scheduled) {
    const auto distinct = channel_.distinct(before);
    table_.none("acknowledged and lost", scheduled - distinct);
    table_.none("sent twice", channel_.count() - before - distinct);
  }

  using Channel = bench::Channel;
  static std::int64_t now_us() { return bench::now_us(); }

  const std::string name_;
  const tern::Settings settings_;
  const std::vector<std::string> bot_settings_;
  const Targets targets_;
  const Options& options_;
  const std::string bot_;
  const std::string log_;
  const Settle settle_;
  Channel channel_;
  Table table_;
};

void compare(const std::filesystem::path& programs) {
  std::printf("\nfor comparison, %zu pending sends kept in memory, gone when the process ends\n", in_memory);
  const auto print = [](const char* what, const bench::PendingFigures& figures) {
    std::printf("  %-58s %12.0f bytes %8.2f us for each\n", what, figures.bytes, figures.cpu_us);
  };
  print("a coroutine and an Asio timer for each", bench::measure_asio_timers(in_memory));
  const auto script = bench::measure_set_timeout((programs / "set_timeout.mjs").string(), in_memory);
  if (script) {
    print("JavaScript: a setTimeout continuation for each", *script);
  } else {
    std::puts("  JavaScript: not measured, since there is no node in PATH; ./dev bench schedule puts one there");
  }
}

bool run_rocksdb(const Options& options, const std::filesystem::path& folder, const std::string& bot,
                 const std::string& log) {
  tern::Settings settings;
  settings.storage.kind = "rocksdb";
  settings.storage.path = (folder / "data").string();
  const Targets targets{30'000, 10, 20'000, 10'000, 15};
  return StoreBench("rocksdb, synced", settings, {"storage.kind=rocksdb", "storage.path=" + settings.storage.path},
                    targets, options, bot, log, settle_rocksdb)
      .run();
}

#ifdef TERN_HAS_POSTGRES
// True without a measurement when there is no server.
bool run_postgres(const Options& options, const std::string& bot, const std::string& log) {
  const char* url = std::getenv("TERN_TEST_POSTGRES");
  if (url == nullptr) {
    std::puts("\npostgres: not measured, since TERN_TEST_POSTGRES has no address; ./dev bench schedule sees to that");
    return true;
  }
  tern::Settings settings;
  settings.storage.kind = "postgres";
  settings.storage.url = url;
  settings.storage.schema = "tern_bench_schedule_" + std::to_string(::getpid());
  const Targets targets{20'000, 0, 20'000, 8'000, 100, true};
  const bool met = StoreBench("postgres", settings,
                              {"storage.kind=postgres", "storage.url=" + settings.storage.url,
                               "storage.schema=" + settings.storage.schema},
                              targets, options, bot, log, [url](tern::Metrics&) { return bench::settle_postgres(url); })
                       .run();
  bench::drop_postgres_schema(url, settings.storage.schema);
  return met;
}
#endif

int run(const Options& options, const std::filesystem::path& programs) {
  tern::log::configure(tern::log::Level::error, tern::log::Format::text);
  const auto base = options.folder.empty() ? std::filesystem::current_path() : std::filesystem::path(options.folder);
  const auto folder = base / ("tern-bench-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto bot = (programs.parent_path() / "examples" / "proactive_bot").string();
  const auto log = (folder / "bot.log").string();
  const auto sync = bench::measure_fsync(folder.string());
  std::printf("fdatasync of 4 KiB in %s: %.0f us (p50), %.0f us (p99)\n", base.c_str(), sync.p50_us, sync.p99_us);
  bool met = true;
  for (const auto& kind : options.stores) {
    if (kind == "rocksdb") {
      met = run_rocksdb(options, folder, bot, log) && met;
      continue;
    }
#ifdef TERN_HAS_POSTGRES
    met = run_postgres(options, bot, log) && met;
#endif
  }
  if (options.asks_for("compare")) {
    compare(programs);
  }
  std::filesystem::remove_all(folder);  // kept after a failure: its message names a file there
  return options.check && !met ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App parser("schedule: the durable schedule with very many pending sends, beside its targets");
  parser.add_option("--pending", options.pending, "Sends that lie ahead (10000000)")
      ->check(CLI::Range(1'000UL, 1'000'000'000UL));
  parser.add_option("--burst", options.burst, "Sends that are due at once (100000)")
      ->check(CLI::Range(1'000UL, 1'000'000UL));
  parser.add_option("--rate", options.rate, "Sends due each second where lateness is measured (6000)")
      ->check(CLI::Range(1UL, 100'000UL));
  parser.add_option("--seconds", options.seconds, "Of each measurement (5)")->check(CLI::Range(1.0, 600.0));
  parser.add_option("--store", options.stores, "rocksdb or postgres; may be given again. Default: both")
      ->check(CLI::IsMember({"rocksdb", "postgres"}));
  parser.add_option("--only", options.only, "store, burst, stream, take-over or compare; may be given again")
      ->check(CLI::IsMember({"store", "burst", "stream", "take-over", "compare"}));
  parser.add_option("--rounds", options.rounds, "Bursts, one after the other (1)")->check(CLI::Range(1UL, 1'000UL));
  parser.add_option("--folder", options.folder, "Where RocksDB writes (default: a new folder in this one)");
  parser.add_flag("--check", options.check, "Exit with 1 when a target is missed");
  CLI11_PARSE(parser, argc, argv);
  try {
    return run(options, std::filesystem::read_symlink("/proc/self/exe").parent_path());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "schedule: %s\n", e.what());
    return 2;
  }
}

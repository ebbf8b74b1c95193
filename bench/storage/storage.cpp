// What an operation and a turn cost on each storage, beside the bare libraries and beside memory. See docs/storage.md.

#include "app/storage_factory.hpp"
#include "storage/bare.hpp"
#include "storage/ops.hpp"
#include "storage/turns.hpp"

#include <tern/async/log.hpp>
#include <tern/async/metrics.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using bench::Op;

constexpr const char* help = R"(storage: what an operation and a turn cost on each storage

  --only PART       operations or turns; may be given again. Default: both
  --store KIND      memory, rocksdb or postgres; may be given again. Default: all that there are
  --shared-users    users who write in several conversations at once, so that turns conflict. Default: one for each
                    conversation, as in personal ones
  --rounds N        of the turns (default 15)
  --seconds N       of each measurement (default 2)
  --folder FOLDER   where RocksDB and the measurement of fsync write (default: a new one in this folder)
  --check           exit with 1 when a target is missed
  --help

PostgreSQL is measured when TERN_TEST_POSTGRES has its address: ./dev bench storage sees to that.
)";

constexpr std::size_t concurrency[] = {1, 16, 64, 256};
constexpr std::size_t most_concurrent = 256;
constexpr double least_share = 0.7;  ///< of the bare library's operations, with 256 at once
constexpr std::chrono::seconds patience{30};

struct Options {
  std::set<std::string> parts;
  std::set<std::string> stores;
  unsigned rounds = 15;
  bool shared_users = false;
  unsigned seconds = 2;
  std::string folder;
  bool check = false;
  bool help = false;

  static bool chosen(const std::set<std::string>& from, const std::string& name) {
    return from.empty() || from.contains(name);
  }
};

std::string postgres_url() {
  const char* url = std::getenv("TERN_TEST_POSTGRES");
  return url == nullptr ? "" : url;
}

/// Of this run alone, for what an earlier one has left would be counted.
[[maybe_unused]] std::string schema_of(const std::string& what) {
  return "tern_bench_" + what + "_" + std::to_string(::getpid());
}

template <class T>
T finish(tern::awaitable<T> work) {
  boost::asio::io_context io{1};
  auto outcome = boost::asio::co_spawn(io, std::move(work), boost::asio::use_future);
  io.run();
  return outcome.get();
}

unsigned number(const std::string& option, const std::string& text) {
  char* end = nullptr;
  const auto value = std::strtoul(text.c_str(), &end, 10);
  if (*end != '\0' || value == 0 || value > 1000) {
    throw std::invalid_argument(option + " takes a whole number from 1 to 1000");
  }
  return static_cast<unsigned>(value);
}

Options read_options(const std::vector<std::string>& words) {
  Options options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    const auto next = [&]() -> const std::string& {
      if (++i == words.size()) {
        throw std::invalid_argument(word + " needs a value");
      }
      return words[i];
    };
    if (word == "--only") {
      options.parts.insert(next());
    } else if (word == "--store") {
      options.stores.insert(next());
    } else if (word == "--shared-users") {
      options.shared_users = true;
    } else if (word == "--rounds") {
      options.rounds = number(word, next());
    } else if (word == "--seconds") {
      options.seconds = number(word, next());
    } else if (word == "--folder") {
      options.folder = next();
    } else if (word == "--check") {
      options.check = true;
    } else if (word == "--help") {
      options.help = true;
    } else {
      throw std::invalid_argument("unknown option " + word + "; see --help");
    }
  }
  return options;
}

void print_head(const std::string& what) {
  std::printf("\n%s\n  %-8s %-5s %-7s %10s %9s %9s %8s %7s %7s %7s\n", what.c_str(), "at once", "op", "", "per second",
              "p50 us", "p99 us", "CPU us", "batch", "share", "stalls");
}

void print_line(std::size_t concurrent, Op op, const char* who, const bench::OpFigures& figures) {
  std::printf("  %-8zu %-5s %-7s %10.0f %9.0f %9.0f %8.2f %7.1f", concurrent, op == Op::read ? "read" : "write", who,
              figures.per_second, figures.p50_us, figures.p99_us, figures.cpu_us, figures.batch);
}

void print_library(std::size_t concurrent, Op op, const bench::OpFigures& figures) {
  print_line(concurrent, op, "library", figures);
  std::puts("");
  std::fflush(stdout);
}

/// `share`: of what the library alone does; 0 when there is none to compare with.
void print_ours(std::size_t concurrent, Op op, const bench::OpFigures& figures, double share) {
  print_line(concurrent, op, "Tern", figures);
  std::printf(" %7s %7llu\n", share > 0 ? (std::to_string(std::lround(share * 100)) + "%").c_str() : "",
              static_cast<unsigned long long>(figures.stalls));
  std::fflush(stdout);
}

/// How many operations and how many batches of them a store has had, by its own figures.
struct Batches {
  double operations = 0;
  double batches = 0;
};

Batches batches_of(const tern::Metrics& metrics, const std::string& kind, Op op) {
  const auto text = "\n" + metrics.expose();
  const auto figure = [&](const std::string& name) {
    const auto line = text.find("\ntern_" + kind + "_" + name + " ");
    return line == std::string::npos ? 0 : std::stod(text.substr(text.find(' ', line) + 1));
  };
  return op == Op::read ? Batches{figure("reads"), figure("read_batches")}
                        : Batches{figure("writes"), figure("write_batches")};
}

/// A store with Tern, beside the library without; turn and turn about, so that both find the machine alike.
class StoreBench {
 public:
  /// `bare`: nullptr when there is no library to compare with.
  StoreBench(std::string kind, tern::AnyStorage store, const tern::Metrics& metrics, bench::Bare* bare, double seconds)
      : kind_(std::move(kind)), store_(std::move(store)), metrics_(metrics), bare_(bare), seconds_(seconds) {}

  void fill() {
    bench::fill(store_, most_concurrent);
    if (bare_ != nullptr) {
      bare_->fill(most_concurrent);
    }
  }

  /// Where a target is, five rounds, of which the one counts and is printed whose share is the middle one; whether that
  /// is enough.
  bool measure(Op op, std::size_t concurrent) {
    const bool counts = bare_ != nullptr && concurrent == most_concurrent;
    const unsigned rounds = counts ? rounds_that_count : 1;
    std::vector<Round> all;
    for (unsigned i = 0; i < rounds; ++i) {
      all.push_back(measure_once(op, concurrent));
      stalls_ += all.back().ours.stalls;
    }
    std::sort(all.begin(), all.end(), [](const Round& a, const Round& b) { return a.share() < b.share(); });
    const auto& middle = all[all.size() / 2];
    if (bare_ != nullptr) {
      print_library(concurrent, op, middle.alone);
    }
    print_ours(concurrent, op, middle.ours, middle.share());
    if (!counts) {
      return true;
    }
    const bool enough = middle.share() >= least_share;
    std::printf("  at least %.0f%% of the library alone, with %zu at once, in the middle one of %u rounds: %s",
                least_share * 100, concurrent, rounds, enough ? "met" : "MISSED");
    std::printf(" (%.0f to %.0f%%)\n", all.front().share() * 100, all.back().share() * 100);
    return enough;
  }

  std::uint64_t stalls() const noexcept { return stalls_; }

 private:
  static constexpr unsigned rounds_that_count = 5;

  struct Round {
    bench::OpFigures alone;
    bench::OpFigures ours;
    double share() const { return alone.per_second > 0 ? ours.per_second / alone.per_second : 0; }
  };

  Round measure_once(Op op, std::size_t concurrent) {
    Round round;
    if (bare_ != nullptr) {
      round.alone = bare_->measure(op, concurrent, seconds_);
    }
    const auto before = batches_of(metrics_, kind_, op);
    round.ours = bench::measure_ops(store_, op, concurrent, seconds_);
    const auto after = batches_of(metrics_, kind_, op);
    if (after.batches > before.batches) {
      round.ours.batch = (after.operations - before.operations) / (after.batches - before.batches);
    }
    return round;
  }

  std::string kind_;
  tern::AnyStorage store_;
  const tern::Metrics& metrics_;
  bench::Bare* bare_;
  double seconds_;
  std::uint64_t stalls_ = 0;
};

bool measure_store(const std::string& name, const tern::Settings& settings, bench::Bare* bare, double seconds) {
  tern::Metrics metrics;
  auto store =
      tern::app::make_documents(settings, tern::system_clock(), &metrics, tern::app::Patience::of_a_bot).storage;
  finish(store.open(tern::Deadline::after(patience)));
  StoreBench pair(settings.storage.kind, store, metrics, bare, seconds);
  pair.fill();
  print_head(name + (bare != nullptr ? ", beside the library alone in batches of as many" : ""));
  bool met = true;
  for (const auto op : {Op::read, Op::write}) {
    for (const auto concurrent : concurrency) {
      met = pair.measure(op, concurrent) && met;
    }
  }
  std::printf("  a handler held the shard longer than 20 ms %llu times; never: %s\n",
              static_cast<unsigned long long>(pair.stalls()), pair.stalls() == 0 ? "met" : "MISSED");
  finish(store.close(tern::Deadline::after(patience)));
  return met && pair.stalls() == 0;
}

bool measure_operations(const Options& options, [[maybe_unused]] const std::string& folder) {
  bool met = true;
  const double seconds = options.seconds;
  tern::Settings settings;
  if (Options::chosen(options.stores, "memory")) {
    met = measure_store("memory", settings, nullptr, seconds) && met;
  }
#ifdef TERN_HAS_ROCKSDB
  if (Options::chosen(options.stores, "rocksdb")) {
    settings.storage.kind = "rocksdb";
    settings.storage.path = folder + "/ops";
    const auto bare = bench::make_bare_rocksdb(folder + "/bare");
    met = measure_store("rocksdb, synced", settings, bare.get(), seconds) && met;
  }
#endif
#ifdef TERN_HAS_POSTGRES
  if (!postgres_url().empty() && Options::chosen(options.stores, "postgres")) {
    settings.storage.kind = "postgres";
    settings.storage.url = postgres_url();
    settings.storage.schema = schema_of("ops");
    const auto bare = bench::make_bare_postgres(postgres_url());
    met = measure_store("postgres", settings, bare.get(), seconds) && met;
    bench::drop_postgres_schema(postgres_url(), schema_of("ops"));
  }
#endif
  return met;
}

bool measure_turns(const Options& options, const std::filesystem::path& programs, const std::string& folder) {
  bench::require_wrk();
  std::vector<bench::TurnStore> stores{{"memory", {"storage.kind=memory"}, 0, 0}};
  if (tern::app::has_backend("rocksdb") && Options::chosen(options.stores, "rocksdb")) {
    stores.push_back({"rocksdb", {"storage.kind=rocksdb", "storage.path=" + folder + "/turns"}, 1.6, 0});
  }
  if (tern::app::has_backend("postgres") && !postgres_url().empty() && Options::chosen(options.stores, "postgres")) {
    stores.push_back(
        {"postgres",
         {"storage.kind=postgres", "storage.url=" + postgres_url(), "storage.schema=" + schema_of("turns")},
         2.0,
         10'000});
  }
  bench::TurnSettings settings;
  settings.rounds = options.rounds;
  settings.load.seconds = options.seconds;
  settings.load.personal = !options.shared_users;
  settings.load.connections = most_concurrent;
  settings.load.conversations = most_concurrent;
  settings.load.script = (programs / "load.lua").string();
  settings.state_bot = (programs.parent_path() / "examples" / "state_bot").string();
  settings.logs = folder;
  const bool met = bench::compare_turns(stores, settings);
#ifdef TERN_HAS_POSTGRES
  if (!postgres_url().empty()) {
    bench::drop_postgres_schema(postgres_url(), schema_of("turns"));
  }
#endif
  return met;
}

int run(const Options& options, const std::filesystem::path& programs) {
  tern::log::configure(tern::log::Level::error, tern::log::Format::text);
  const auto base = options.folder.empty() ? std::filesystem::current_path() : std::filesystem::path(options.folder);
  const auto folder = base / ("tern-bench-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto sync = bench::measure_fsync(folder.string());
  std::printf("fdatasync of 4 KiB in %s: %.0f us (p50), %.0f us (p99)\n", base.c_str(), sync.p50_us, sync.p99_us);
  bool met = true;
  if (Options::chosen(options.parts, "operations")) {
    met = measure_operations(options, folder.string()) && met;
  }
  if (Options::chosen(options.parts, "turns")) {
    met = measure_turns(options, programs, folder.string()) && met;
  }
  std::filesystem::remove_all(folder);  // kept after a failure: its message names a file there
  return options.check && !met ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    const auto options = read_options({argv + 1, argv + argc});
    if (options.help) {
      std::fputs(help, stdout);
      return 0;
    }
    return run(options, programs);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "storage: %s\n", e.what());
    return 2;
  }
}

// Direct Line: very many sockets, the reference offline server beside it, and two replicas. See docs/benchmarks.md.

#include "directline/parts.hpp"
#include "turn/machine.hpp"

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

namespace {

constexpr std::size_t descriptors_beside = 4'000;
constexpr int bot_core = 0;  // where it is pinned

struct Options {
  bench::DirectLineTask task;
  std::vector<std::string> only;
  std::string folder;
  std::string offline;
  bool pin = false;
  bool check = false;

  bool asks_for(const char* part) const {
    return only.empty() || std::find(only.begin(), only.end(), part) != only.end();
  }
};

int run(Options& options) {
  auto& task = options.task;
  bench::raise_descriptors(std::max(task.sockets, 2 * task.replica_sockets) + descriptors_beside);
  if (options.pin) {
    bench::leave_core(bot_core);
    task.core = bot_core;
  }
  task.programs = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path();
  const auto base =
      options.folder.empty() ? std::filesystem::temp_directory_path() : std::filesystem::path(options.folder);
  task.folder = base / ("tern-bench-directline-" + std::to_string(::getpid()));
  task.offline = options.offline;
  if (const char* url = std::getenv("TERN_TEST_POSTGRES")) {
    task.postgres = url;
  }
  std::filesystem::create_directories(task.folder);
  bool met = true;
  if (options.asks_for("sockets")) {
    met = bench::measure_sockets(task) && met;
  }
  if (options.asks_for("compare") && !std::filesystem::exists(task.offline / "server.cjs")) {
    std::puts("\nthe offline server: not measured, since it is not installed; ./dev bench directline sees to that");
  } else if (options.asks_for("compare")) {
    met = bench::compare_with_offline(task) && met;
  }
  if (options.asks_for("replicas") && task.postgres.empty()) {
    std::puts("\nreplicas: not measured, since TERN_TEST_POSTGRES has no address; ./dev bench directline sees to that");
  } else if (options.asks_for("replicas")) {
    met = bench::measure_replicas(task) && met;
  }
  std::filesystem::remove_all(task.folder);  // kept after a failure, whose message names a file there
  return options.check && !met ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  auto& task = options.task;
  CLI::App parser("directline: clients of Direct Line, and when they have what was sent to them");
  parser.add_option("--sockets", task.sockets, "Open WebSockets (10000)")->check(CLI::Range(1UL, 1'000'000UL));
  parser.add_option("--rate", task.rate, "Messages a second in all (one for every ten sockets)")
      ->check(CLI::Range(1UL, 100'000UL));
  parser.add_option("--seconds", task.seconds, "Of each measurement (10)")->check(CLI::Range(1.0, 600.0));
  parser.add_option("--rounds", task.rounds, "Each with bots of its own; the median counts (3)")
      ->check(CLI::Range(1UL, 100UL));
  parser.add_option("--store", task.store, "memory, rocksdb or postgres, for the sockets (memory)")
      ->check(CLI::IsMember({"memory", "rocksdb", "postgres"}));
  parser.add_option("--only", options.only, "sockets, compare or replicas; may be given again. Default: all")
      ->check(CLI::IsMember({"sockets", "compare", "replicas"}));
  parser.add_option("--conversations", task.conversations, "Of the comparison; may be given again (100, 1000)")
      ->check(CLI::Range(10UL, 10'000UL));
  parser.add_option("--replica-sockets", task.replica_sockets, "Open WebSockets at each replica (1000)")
      ->check(CLI::Range(1UL, 100'000UL));
  parser.add_option("--replica-rate", task.replica_rate, "Messages, and sends, a second there (50)")
      ->check(CLI::Range(1UL, 10'000UL));
  parser.add_flag("--pin", options.pin, "The bots on core 0, the load on the others. Default: as the kernel likes");
  parser.add_option("--folder", options.folder, "Where RocksDB writes, in a new folder (default: the temporary one)");
  parser.add_option("--offline", options.offline, "Where the offline server was installed");
  parser.add_flag("--check", options.check, "Exit with 1 when a target is missed");
  CLI11_PARSE(parser, argc, argv);
  try {
    return run(options);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "directline: %s\n", e.what());
    return 2;
  }
}

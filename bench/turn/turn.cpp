// What a turn costs: `state_bot` beside the same exchange without a framework, then the memory of turns in flight and
// of pending sends, then the parts of the core. See docs/benchmarks.md.

#include "turn/comparison.hpp"
#include "turn/process.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr const char* help = R"(turn: what a turn of Tern costs

  --only PART       replies, delivery, auth, memory or core; may be given again. Default: all
  --auth            as --only auth: turns with a valid token beside turns without
  --rounds N        how often each server is loaded (default 7)
  --seconds N       for how long each time (default 3)
  --connections N   of the load (default 16)
  --conversations N and as many users (default 1000)
  --pin             servers on core 0, the load and the channel on core 1. Default: as the kernel likes
  --check           exit with 1 when a target is missed
  --state-bot FILE  the state_bot to measure
  --help
)";

struct Options {
  bench::ComparisonSettings comparison;
  std::set<std::string> parts;
  bool check = false;
  bool help = false;

  bool has(const char* part) const { return parts.empty() || parts.contains(part); }
};

unsigned number(const std::string& option, const std::string& text) {
  std::size_t used = 0;
  unsigned long value = 0;
  try {
    value = std::stoul(text, &used);
  } catch (const std::exception&) {
  }
  if (used != text.size() || value == 0 || value > 1'000'000) {
    throw std::invalid_argument(option + " takes a whole number from 1 to 1000000");
  }
  return static_cast<unsigned>(value);
}

std::string part(const std::string& name) {
  constexpr std::string_view known[] = {"replies", "delivery", "auth", "memory", "core"};
  if (std::find(std::begin(known), std::end(known), name) == std::end(known)) {
    throw std::invalid_argument("--only takes replies, delivery, auth, memory or core");
  }
  return name;
}

Options read_options(const std::vector<std::string>& words, const std::filesystem::path& folder) {
  Options options;
  auto& settings = options.comparison;
  settings.programs = folder.string();
  settings.state_bot = (folder.parent_path() / "examples" / "state_bot").string();
  settings.load.script = (folder / "load.lua").string();
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    const auto next = [&]() -> const std::string& {
      if (++i == words.size()) {
        throw std::invalid_argument(word + " needs a value");
      }
      return words[i];
    };
    if (word == "--only") {
      options.parts.insert(part(next()));
    } else if (word == "--auth") {
      options.parts.insert("auth");
    } else if (word == "--rounds") {
      settings.rounds = number(word, next());
    } else if (word == "--seconds") {
      settings.load.seconds = number(word, next());
    } else if (word == "--connections") {
      settings.load.connections = number(word, next());
    } else if (word == "--conversations") {
      settings.load.conversations = number(word, next());
    } else if (word == "--pin") {
      settings.pin = true;
    } else if (word == "--check") {
      options.check = true;
    } else if (word == "--state-bot") {
      settings.state_bot = next();
    } else if (word == "--help") {
      options.help = true;
    } else {
      throw std::invalid_argument("unknown option " + word + "; see --help");
    }
  }
  return options;
}

bool run_beside(const std::filesystem::path& program, const std::vector<std::string>& arguments) {
  std::vector<std::string> command{program.string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  bench::Process process(command, bench::SpawnOptions());
  const int status = process.wait();
  if (status > 1) {
    throw std::runtime_error(process.name() + " ended with " + std::to_string(status));
  }
  return status == 0;
}

int run(Options& options, const std::filesystem::path& folder) {
  bool met = true;
  if (options.has("replies") || options.has("delivery") || options.has("auth")) {
    bench::require_wrk();
    const auto logs = std::filesystem::temp_directory_path() / ("tern-bench-" + std::to_string(::getpid()));
    std::filesystem::create_directory(logs);
    options.comparison.logs = logs.string();
    if (options.has("replies")) {
      met = bench::compare(bench::Mode::replies, options.comparison) && met;
    }
    if (options.has("delivery")) {
      met = bench::compare(bench::Mode::delivery, options.comparison) && met;
    }
    if (options.has("auth")) {
      met = bench::compare_tokens(bench::Mode::replies, options.comparison) && met;
      met = bench::compare_tokens(bench::Mode::delivery, options.comparison) && met;
    }
    std::filesystem::remove_all(logs);  // kept after a failure: its message names a file there
  }
  if (options.has("memory")) {
    met = run_beside(folder / "inflight_bench", {}) && met;
  }
  if (options.has("core")) {
    std::puts("");
    std::fflush(stdout);
    met = run_beside(folder / "turn_bench", {"--benchmark_min_time=0.2"}) && met;
  }
  return options.check && !met ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    auto options = read_options({argv + 1, argv + argc}, folder);
    if (options.help) {
      std::fputs(help, stdout);
      return 0;
    }
    return run(options, folder);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "turn: %s\n", e.what());
    return 2;
  }
}

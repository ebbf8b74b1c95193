#include "directline/server_side.hpp"

#include "turn/exchange.hpp"

#ifdef TERN_HAS_POSTGRES
#include "storage/bare.hpp"
#endif

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <stdexcept>

namespace bench {

namespace {

constexpr std::size_t connections_beside = 1'000;  // those that bring messages

std::size_t next_number() {
  static std::atomic<std::size_t> last = 0;
  return ++last;
}

void wait_for(std::uint16_t port, const std::string& log) {
  if (!wait_for_port(port)) {
    throw std::runtime_error("a server does not listen; see " + log);
  }
}

}  // namespace

DirectLineBot::DirectLineBot(const DirectLineTask& task, const std::string& program, std::size_t sockets,
                             const std::vector<std::string>& settings) {
  server_.port = free_port();
  server_.secret = "a-secret-of-the-benchmark";
  std::vector<std::string> all{"listen.port=" + std::to_string(server_.port),
                               "log.level=warn",
                               "direct_line.enabled=true",
                               "direct_line.secret=" + server_.secret,
                               "limits.direct_line_sockets=" + std::to_string(sockets),
                               "limits.connections=" + std::to_string(sockets + connections_beside),
                               "limits.direct_line_address_rate=0",
                               "limits.direct_line_address_bytes=0",
                               "limits.direct_line_histories=1024GiB",
                               "limits.direct_line_address_sockets=0",
                               "limits.direct_line_address_reads=1000000"};
  if (task.core) {
    all.emplace_back("listen.threads=1");
  }
  all.insert(all.end(), settings.begin(), settings.end());
  const auto log = (task.folder / (program + std::to_string(next_number()) + ".log")).string();
  process_ = std::make_unique<RunningBot>((task.programs / "examples" / program).string(), all, log, task.core);
  wait_for(server_.port, log);
}

OfflineServer::OfflineServer(const DirectLineTask& task) {
  const auto number = std::to_string(next_number());
  const auto bot_log = (task.folder / ("behind-offline" + number + ".log")).string();
  const auto log = (task.folder / ("offline" + number + ".log")).string();
  const auto bot_port = free_port();
  bot_ = std::make_unique<RunningBot>(
      (task.programs / "examples" / "echo_bot").string(),
      std::vector<std::string>{"listen.port=" + std::to_string(bot_port), "log.level=warn"}, bot_log, task.core);
  wait_for(bot_port, bot_log);
  server_.port = free_port();
  server_.root = "/directline";
  process_ = std::make_unique<Process>(
      std::vector<std::string>{"node", (task.offline / "server.cjs").string(), std::to_string(server_.port),
                               "http://127.0.0.1:" + std::to_string(bot_port) + "/api/messages"},
      SpawnOptions{task.core, log, {}});
  wait_for(server_.port, log);
}

RoundStore::RoundStore(const DirectLineTask& task, const std::string& kind) {
  settings_.push_back("storage.kind=" + kind);
  const auto name = "tern_bench_directline_" + std::to_string(::getpid()) + "_" + std::to_string(next_number());
  if (kind == "rocksdb") {
    settings_.push_back("storage.path=" + (task.folder / name).string());
  } else if (kind == "postgres") {
    url_ = task.postgres;
    schema_ = name;
    settings_.push_back("storage.url=" + url_);
    settings_.push_back("storage.schema=" + schema_);
  }
}

RoundStore::~RoundStore() {
#ifdef TERN_HAS_POSTGRES
  if (!schema_.empty()) {
    drop_postgres_schema(url_, schema_);
  }
#endif
}

}  // namespace bench

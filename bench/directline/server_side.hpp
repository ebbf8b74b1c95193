#pragma once

#include "directline/parts.hpp"
#include "directline/protocol.hpp"
#include "schedule/bot_side.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bench {

/// An example bot that serves Direct Line, to clients who all come from one address.
class DirectLineBot {
 public:
  /// `sockets`: that it must carry. `settings`: more of them.
  DirectLineBot(const DirectLineTask& task, const std::string& program, std::size_t sockets,
                const std::vector<std::string>& settings);

  const DirectLineServer& server() const noexcept { return server_; }
  RunningBot& process() noexcept { return *process_; }

 private:
  DirectLineServer server_;
  std::unique_ptr<RunningBot> process_;
};

/// offline-directline of npm, with `echo_bot` behind it.
class OfflineServer {
 public:
  explicit OfflineServer(const DirectLineTask& task);

  const DirectLineServer& server() const noexcept { return server_; }
  /// Seconds of both, and of the server alone.
  double cpu() const { return server_cpu() + bot_->cpu().total; }
  double server_cpu() const { return process_->cpu().total; }

 private:
  DirectLineServer server_;
  std::unique_ptr<RunningBot> bot_;
  std::unique_ptr<Process> process_;
};

/// The store that the task names, for one round.
class RoundStore {
 public:
  explicit RoundStore(const DirectLineTask& task, const std::string& kind);
  ~RoundStore();
  RoundStore(const RoundStore&) = delete;
  RoundStore& operator=(const RoundStore&) = delete;

  const std::vector<std::string>& settings() const noexcept { return settings_; }

 private:
  std::string url_;     // of PostgreSQL
  std::string schema_;  // empty: there is none to remove
  std::vector<std::string> settings_;
};

}  // namespace bench

#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace bench {

/// What the benchmark of Direct Line is asked to measure, and where.
struct DirectLineTask {
  std::size_t sockets = 10'000;
  std::size_t rate = 0;  ///< messages a second; 0: one for every ten sockets
  double seconds = 10;
  std::size_t rounds = 3;
  std::string store = "memory";
  std::vector<std::size_t> conversations{100, 1'000};  ///< of the comparison
  std::size_t replica_sockets = 1'000;                 ///< at each of the two replicas
  std::size_t replica_rate = 50;
  std::filesystem::path programs;  ///< the folder of this build
  std::filesystem::path folder;    ///< a new one, for logs and stores
  std::filesystem::path offline;   ///< where the offline server was installed
  std::string postgres;            ///< the address of a server; empty: there is none
  std::optional<int> core;         ///< the one of the bots; none: all
};

/// Very many open WebSockets. True when all targets are met.
bool measure_sockets(const DirectLineTask& task);
/// Beside the reference offline server of npm. True when Tern has lost nothing.
bool compare_with_offline(const DirectLineTask& task);
/// What one replica sends and a socket of the other shows. True when all targets are met.
bool measure_replicas(const DirectLineTask& task);

}  // namespace bench

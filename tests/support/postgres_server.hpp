#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tern::test {

/// A PostgreSQL of the test's own, in a temporary folder and on a free port; it ends with the object, and with the
/// process when that is killed. As root it runs as the user `postgres`, since PostgreSQL refuses root.
class PostgresServer {
 public:
  /// Why there can be none here, "" when there can.
  static std::string obstacle();

  /// Makes an empty database and starts the server.
  /// Errors: `std::runtime_error` with what the server said.
  PostgresServer();
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  std::string url() const { return "postgresql://tern@127.0.0.1:" + std::to_string(port_) + "/postgres"; }

  enum class Stop {
    fast,      ///< ends sessions, writes everything down
    immediate  ///< as a crash: the next start recovers
  };
  void stop(Stop how);
  /// After `stop`: on the same port with the same data. Returns when it takes connections.
  void start();

  /// Stops all its processes in their tracks (SIGSTOP), so that connections stay open and nothing answers.
  void pause();
  void resume();

 private:
  std::vector<int> processes() const;
  void read_log(int from);

  std::string folder_;
  int port_ = 0;
  int process_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string log_;  ///< guarded by `mutex_`
  bool ready_ = false;
  bool ended_ = false;
  std::thread log_reader_;
};

}  // namespace tern::test

#pragma once

#include <tern/async/clock.hpp>
#include <tern/storage/postgres_storage.hpp>

#include "connection_string.hpp"
#include "failure.hpp"
#include "watchdog.hpp"

#include <pqxx/pqxx>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tern::detail::pg {

/// A statement with parameters: its name when prepared, and its text.
struct Statement {
  std::string name;
  std::string sql;
};

/// One connection to the server, set up so that nothing depends on the server's defaults. A connection is never
/// replaced under its user: once it is lost, all its functions fail.
///
/// Thread safety: one thread at a time.
/// Errors: all functions throw `Failure`.
class Session {
 public:
  using Parameters = std::vector<pqxx::binarystring>;

  /// Connects; takes at most the URL's `connect_timeout` for each address.
  Session(const ConnectionString& target, const PostgresOptions& options, Watchdog& watchdog);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  /// Runs one statement as one transaction and waits for its commit, at most until `cut_at`. Between `begin` and
  /// `commit` it is part of that transaction.
  pqxx::result execute(const Statement& statement, const Parameters& parameters, SteadyTime cut_at);

  /// Several statements as one transaction. After a failure before `commit`, `rollback` comes next.
  void begin(SteadyTime cut_at);
  void commit(SteadyTime cut_at);
  void rollback(SteadyTime cut_at) noexcept;

  /// Runs SQL without parameters, several statements perhaps; together they are one transaction unless they say BEGIN.
  pqxx::result run(const std::string& sql, SteadyTime cut_at);

  /// Listens on a channel: `receive` is called in later functions of this session, with the payload of each
  /// notification. Call it once for each channel.
  void listen(const std::string& channel, std::function<void(const std::string&)> receive, SteadyTime cut_at);
  /// Calls `receive` for what has come. It waits for nothing.
  void take_notifications(SteadyTime cut_at);
  /// Whether the server that answers is another than the one that greeted: then a pooler stands between, which may give
  /// each transaction another connection of the server.
  bool is_behind_pooler(SteadyTime cut_at);
  /// For `poll`.
  int socket() const noexcept { return connection_.sock(); }

  /// Whether a statement has found the connection lost, and the error that it found.
  bool is_lost() const noexcept { return !why_lost_.empty(); }
  const std::string& why_lost() const noexcept { return why_lost_; }

  /// Whether the server has closed an idle connection, or sent something unasked, as it does when it shuts down.
  bool is_stale() const noexcept;

 private:
  template <class Work>
  pqxx::result guarded(SteadyTime cut_at, Work work);
  Failure failed(const Failure& failure, bool cut);
  pqxx::result alone(const Statement& statement, const Parameters& parameters);

  const ConnectionString& target_;
  const PostgresOptions& options_;
  Watchdog& watchdog_;
  std::string settings_;
  std::string why_lost_;
  bool in_transaction_ = false;
  std::vector<const Statement*> prepared_;
  pqxx::connection connection_;
  pqxx::quiet_errorhandler quiet_;  ///< or libpqxx prints notices to standard error
  std::vector<std::unique_ptr<pqxx::notification_receiver>> receivers_;
};

}  // namespace tern::detail::pg

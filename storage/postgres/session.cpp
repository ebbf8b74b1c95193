#include "session.hpp"

#include <poll.h>

#include <algorithm>
#include <utility>

namespace tern::detail::pg {

namespace {

// Settings that our statements rely on, as `SET` or, in a transaction behind PgBouncer, as `SET LOCAL`. The write
// statement waits for locked rows and then sees their newest versions, as "read committed" does.
std::string settings(const PostgresOptions& options, const std::string& set) {
  const auto timeout = std::to_string(options.statement_timeout.count());
  return set + "statement_timeout = " + timeout + ";" + set + "idle_in_transaction_session_timeout = " + timeout + ";" +
         set + "synchronous_commit = on;";
}

// A look into the index for each key, whatever the table's statistics say today: a plan that was made while the table
// was small stays in use while it grows. It is made once, since planning for many partitions takes long. Behind
// PgBouncer nothing is prepared, so each plan is of its moment. Engines that merely resemble PostgreSQL may not have
// these, and then do without.
constexpr const char* plan_settings =
    "SELECT set_config(name, CASE name WHEN 'plan_cache_mode' THEN 'force_generic_plan' ELSE 'off' END, false) "
    "FROM pg_settings WHERE name IN ('enable_seqscan', 'enable_hashjoin', 'enable_mergejoin', 'jit', "
    "'plan_cache_mode')";

class Receiver final : public pqxx::notification_receiver {
 public:
  // Begins to listen.
  Receiver(pqxx::connection& connection, const std::string& channel, std::function<void(const std::string&)> receive)
      : pqxx::notification_receiver(connection, channel), receive_(std::move(receive)) {}
  void operator()(const std::string& payload, int) override { receive_(payload); }

 private:
  std::function<void(const std::string&)> receive_;
};

pqxx::connection connect(const ConnectionString& target) {
  try {
    return pqxx::connection(target.text());
  } catch (...) {
    const auto failure = current_failure(false);
    throw Failure(failure.kind(), target.server() + ": " + target.redact(failure.what()));
  }
}

}  // namespace

Session::Session(const ConnectionString& target, const PostgresOptions& options, Watchdog& watchdog)
    : target_(target), options_(options), watchdog_(watchdog), connection_(connect(target)), quiet_(connection_) {
  // libpqxx would connect anew by itself, in the middle of anything and without our settings.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  connection_.inhibit_reactivation(true);
#pragma GCC diagnostic pop
  // The first line of an error alone: the server's details repeat the values of a row, such as a user's message.
  connection_.set_verbosity(pqxx::connection::terse);
  const auto by = std::chrono::steady_clock::now() + options.statement_timeout;
  if (options.pgbouncer) {
    settings_ = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;" + settings(options, " SET LOCAL ");
  } else {
    run(settings(options, " SET ") + " SET default_transaction_isolation = 'read committed'", by);
    run(plan_settings, by);
  }
  const auto answer = run("SHOW transaction_read_only", by);
  if (answer[0][0].c_str() == std::string_view("on")) {
    throw Failure(FailureKind::outage,
                  target.server() +
                      ": this server is read-only, perhaps a standby. With several hosts in the URL, "
                      "target_session_attrs=read-write finds the one that is not.");
  }
}

// A receiver would say UNLISTEN, and wait for a server that is silent.
Session::~Session() {
  if (!receivers_.empty()) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    connection_.disconnect();
#pragma GCC diagnostic pop
  }
}

template <class Work>
pqxx::result Session::guarded(SteadyTime cut_at, Work work) {
  const Watchdog::Guard guard(watchdog_, connection_.sock(), cut_at);
  try {
    return work();
  } catch (...) {
    throw failed(current_failure(connection_.is_open()), guard.has_cut());
  }
}

void Session::listen(const std::string& channel, std::function<void(const std::string&)> receive, SteadyTime cut_at) {
  (void)guarded(cut_at, [&] {
    receivers_.push_back(std::make_unique<Receiver>(connection_, channel, std::move(receive)));
    return pqxx::result();
  });
}

void Session::take_notifications(SteadyTime cut_at) {
  (void)guarded(cut_at, [&] {
    connection_.get_notifs();
    return pqxx::result();
  });
}

bool Session::is_behind_pooler(SteadyTime cut_at) {
  const auto answer = run("SELECT pg_backend_pid()", cut_at);
  return answer[0][0].as<int>() != connection_.backendpid();
}

Failure Session::failed(const Failure& failure, bool cut) {
  Failure told(
      cut ? FailureKind::cut : failure.kind(),
      target_.server() + (cut ? " was silent, so the connection was cut." : ": " + target_.redact(failure.what())));
  if (told.is_lost()) {
    why_lost_ = told.what();
  }
  return told;
}

pqxx::result Session::run(const std::string& sql, SteadyTime cut_at) {
  return guarded(cut_at, [&] {
    pqxx::nontransaction work(connection_);
    return work.exec(sql);
  });
}

pqxx::result Session::execute(const Statement& statement, const Parameters& parameters, SteadyTime cut_at) {
  return guarded(cut_at, [&]() -> pqxx::result {
    if (options_.pgbouncer && !in_transaction_) {
      return alone(statement, parameters);
    }
    if (options_.pgbouncer) {
      pqxx::nontransaction work(connection_);
      return work.exec_params(statement.sql, pqxx::prepare::make_dynamic_params(parameters));
    }
    if (std::find(prepared_.begin(), prepared_.end(), &statement) == prepared_.end()) {
      connection_.prepare(statement.name, statement.sql);
      prepared_.push_back(&statement);
    }
    pqxx::nontransaction work(connection_);
    return work.exec_prepared(statement.name, pqxx::prepare::make_dynamic_params(parameters));
  });
}

void Session::begin(SteadyTime cut_at) {
  run(options_.pgbouncer ? settings_ : "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", cut_at);
  in_transaction_ = true;
}

void Session::commit(SteadyTime cut_at) {
  in_transaction_ = false;
  run("COMMIT", cut_at);
}

void Session::rollback(SteadyTime cut_at) noexcept {
  in_transaction_ = false;
  if (is_lost()) {
    return;
  }
  try {
    run("ROLLBACK", cut_at);
  } catch (const std::exception&) {
    // The connection is lost, and the transaction with it: `is_lost` says so to whoever gives it back.
  }
}

pqxx::result Session::alone(const Statement& statement, const Parameters& parameters) {
  pqxx::nontransaction work(connection_);
  work.exec(settings_);
  try {
    auto result = work.exec_params(statement.sql, pqxx::prepare::make_dynamic_params(parameters));
    work.exec("COMMIT");
    return result;
  } catch (...) {
    const auto failure = current_failure(connection_.is_open());
    if (!failure.is_lost()) {
      work.exec("ROLLBACK");
    }
    throw failure;
  }
}

bool Session::is_stale() const noexcept {
  pollfd socket{connection_.sock(), POLLIN | POLLRDHUP, 0};
  return socket.fd < 0 || ::poll(&socket, 1, 0) > 0;
}

}  // namespace tern::detail::pg

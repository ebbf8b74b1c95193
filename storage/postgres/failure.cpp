#include "failure.hpp"

#include <pqxx/except>

namespace tern::detail::pg {

FailureKind kind_of(const std::string& sqlstate) noexcept {
  const auto is = [&](std::string_view prefix) { return sqlstate.starts_with(prefix); };
  if (is("40003")) {
    return FailureKind::outage;  // "statement completion unknown": alone of its class, it may have been done
  }
  if (is("40") || is("55P03") || is("23505") || is("23514") || is("22012") || is("22P02")) {
    // 55P03: a lock was not had in its time. 23514: the partition for a send was dropped since it was seen, for it was
    // empty. The last two are how our own statements undo themselves.
    return FailureKind::race;
  }
  if (is("57014")) {
    return FailureKind::timed_out;
  }
  // 57P0x: shut down by an administrator, crashed, or starting. 25006: a standby. 25P0x: a time-out of transactions or
  // idleness. 26000, 0A000: our prepared statements are gone or stale. 28: refused at the door. 3D000: no database.
  if (is("08") || is("57") || is("25") || is("26000") || is("0A000") || is("28") || is("3D000")) {
    return FailureKind::outage;
  }
  if (is("53")) {
    return FailureKind::full;
  }
  if (is("22") || is("23") || is("54")) {
    return FailureKind::input;
  }
  return FailureKind::refused;
}

namespace {

std::string advice_for(const std::string& sqlstate) {
  if (sqlstate == "26000" || sqlstate == "42P05") {
    return " A pooler such as PgBouncer seems to be in between: set storage.pgbouncer=true.";
  }
  if (sqlstate == "25006") {
    return " This server is read-only, perhaps a standby: add target_session_attrs=read-write to the URL.";
  }
  if (sqlstate == "53100") {
    return " The disk of the server is full.";
  }
  return {};
}

// libpq breaks its lines, and not always ends a sentence.
std::string sentence(std::string_view text) {
  std::string line;
  for (const char character : text) {
    const bool space = character == ' ' || character == '\n' || character == '\t';
    if (!space) {
      line += character;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  line.erase(line.find_last_not_of(' ') + 1);
  if (!line.empty() && line.back() != '.' && line.back() != '?' && line.back() != '!') {
    line += '.';
  }
  return line;
}

template <class Error>
bool is(const pqxx::sql_error& error) noexcept {
  return dynamic_cast<const Error*>(&error) != nullptr;
}

// Where libpqxx has a class of its own for an error, it may leave the SQLSTATE out.
std::string sqlstate_of(const pqxx::sql_error& error) {
  if (!error.sqlstate().empty()) {
    return error.sqlstate();
  }
  return is<pqxx::insufficient_privilege>(error)           ? "42501"
         : is<pqxx::syntax_error>(error)                   ? "42601"
         : is<pqxx::unique_violation>(error)               ? "23505"
         : is<pqxx::integrity_constraint_violation>(error) ? "23000"
         : is<pqxx::data_exception>(error)                 ? "22000"
         : is<pqxx::disk_full>(error)                      ? "53100"
         : is<pqxx::insufficient_resources>(error)         ? "53000"
         : is<pqxx::invalid_sql_statement_name>(error)     ? "26000"
         : is<pqxx::feature_not_supported>(error)          ? "0A000"
                                                           : "";
}

}  // namespace

Failure current_failure(bool connection_is_open) {
  try {
    throw;
  } catch (const Failure& failure) {
    return failure;
  } catch (const pqxx::broken_connection& error) {
    return {FailureKind::outage, sentence(error.what())};
  } catch (const pqxx::statement_completion_unknown& error) {
    return {FailureKind::outage, sentence(error.what())};
  } catch (const pqxx::transaction_rollback& error) {
    return {FailureKind::race, sentence(error.what())};
  } catch (const pqxx::in_doubt_error& error) {
    return {FailureKind::outage, sentence(error.what())};
  } catch (const pqxx::sql_error& error) {
    const auto state = sqlstate_of(error);
    return {connection_is_open && !state.empty() ? kind_of(state) : FailureKind::outage,
            sentence(error.what()) + advice_for(state)};
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    return {connection_is_open ? FailureKind::refused : FailureKind::outage, sentence(error.what())};
  }
}

// libpq gives no code for what happens at the door. What waiting does not mend is told by its words, which are English
// unless the server speaks otherwise; then whoever connects merely takes its time to give up.
bool is_permanent_at_door(std::string_view message) noexcept {
  if (message.find("Temporary failure in name resolution") != std::string_view::npos) {
    return false;  // the network, or its name server, is not there yet
  }
  for (const std::string_view sign :
       {"authentication failed", "does not exist", "no pg_hba.conf entry", "does not support SSL", "certificate",
        "no password supplied", "could not translate host name", "is not permitted to log in", "invalid port number",
        "invalid integer value", "could not match", "service file", "definition of service", "is invalid when"}) {
    if (message.find(sign) != std::string_view::npos && message.find(".s.PGSQL") == std::string_view::npos) {
      return true;
    }
  }
  return false;
}

std::exception_ptr error_for(const Failure& failure, bool wrote) {
  const auto* const fate =
      wrote ? (failure.is_lost() ? " Whether it was written is unknown." : " Nothing was written.") : "";
  const auto make = [&](errc code, const char* what) {
    return std::make_exception_ptr(Error(code, what + std::string(failure.what()) + fate));
  };
  switch (failure.kind()) {
    case FailureKind::outage:
      return make(errc::storage_unavailable, "The Postgres storage is away: ");
    case FailureKind::cut:
      return make(errc::timed_out, "The Postgres server did not answer in time: ");
    case FailureKind::timed_out:
      return make(errc::timed_out, "The Postgres server did not finish in its statement_timeout: ");
    case FailureKind::race:
      return make(errc::overloaded, "Other transactions on the Postgres storage were in the way each time: ");
    case FailureKind::full:
      return make(errc::storage_unavailable, "The Postgres server is out of resources: ");
    case FailureKind::input:
      return make(errc::invalid_argument, "The Postgres server cannot store this: ");
    case FailureKind::refused:
      break;
  }
  return make(errc::storage_unavailable, "The Postgres server refused: ");
}

}  // namespace tern::detail::pg

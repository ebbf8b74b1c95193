#include "storage/bare.hpp"
#include "storage/workload.hpp"

#include <pqxx/pqxx>

#include <array>
#include <chrono>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace bench {

namespace {

/// An array of bytea as PostgreSQL reads it: {"\\x6162"}.
void add_key(std::string& array, std::string_view key) {
  constexpr std::string_view digits = "0123456789abcdef";
  array += array.size() > 1 ? ",\"\\\\x" : "\"\\\\x";
  for (const char c : key) {
    array += digits[static_cast<unsigned char>(c) >> 4];
    array += digits[static_cast<unsigned char>(c) & 15];
  }
  array += '"';
}

void add_text(std::string& array, std::string_view text) {
  array += array.size() > 1 ? ",\"" : "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      array += '\\';
    }
    array += c;
  }
  array += '"';
}

class BarePostgres final : public Bare {
 public:
  explicit BarePostgres(const std::string& url) : connection_(url) {
    pqxx::nontransaction work(connection_);
    work.exec("DROP SCHEMA IF EXISTS tern_bench_bare CASCADE");
    work.exec("CREATE SCHEMA tern_bench_bare");
    work.exec(
        "CREATE TABLE tern_bench_bare.documents (key bytea PRIMARY KEY, document text NOT NULL, etag bigint NOT NULL) "
        "WITH (fillfactor = 70)");
    work.exec("CREATE SEQUENCE tern_bench_bare.etag");
    connection_.prepare("write",
                        "INSERT INTO tern_bench_bare.documents SELECT k, d, nextval('tern_bench_bare.etag') FROM "
                        "unnest($1::bytea[], $2::text[]) AS t(k, d) ON CONFLICT (key) DO UPDATE SET document = "
                        "excluded.document, etag = excluded.etag RETURNING etag");
    connection_.prepare("read",
                        "SELECT key, document, etag FROM tern_bench_bare.documents WHERE key = ANY($1::bytea[])");
  }
  ~BarePostgres() override {
    try {
      const pqxx::quiet_errorhandler quiet(connection_);
      pqxx::nontransaction work(connection_);
      work.exec("DROP SCHEMA tern_bench_bare CASCADE");
    } catch (const std::exception&) {
      // The server may be gone.
    }
  }
  BarePostgres(const BarePostgres&) = delete;
  BarePostgres& operator=(const BarePostgres&) = delete;

  void fill(std::size_t batch) override {
    for (std::size_t i = 0; i < documents_each; ++i) {
      write(batch, i);
    }
  }

  OpFigures measure(Op op, std::size_t batch, double seconds) override {
    OpClock clock(seconds);
    for (std::size_t i = 0; clock.running(); ++i) {
      const auto begun = std::chrono::steady_clock::now();
      if (op == Op::read) {
        read(batch, i);
      } else {
        write(batch, i);
      }
      clock.add_batch(begun, batch);
    }
    return clock.figures();
  }

 private:
  void write(std::size_t batch, std::size_t number) {
    std::string keys = "{";
    std::string texts = "{";
    for (std::size_t turn = 0; turn < batch; ++turn) {
      add_key(keys, document_key(turn, number));
      add_text(texts, document_text(number));
    }
    pqxx::nontransaction work(connection_);
    if (work.exec_prepared("write", keys + "}", texts + "}").size() != batch) {
      throw std::runtime_error("PostgreSQL did not write all");
    }
  }

  void read(std::size_t batch, std::size_t number) {
    std::string keys = "{";
    for (std::size_t turn = 0; turn < batch; ++turn) {
      add_key(keys, document_key(turn, number));
    }
    pqxx::nontransaction work(connection_);
    const auto rows = work.exec_prepared("read", keys + "}");
    if (rows.size() != batch) {
      throw std::runtime_error("PostgreSQL did not read all");
    }
    for (const auto& row : rows) {
      // As whoever uses a row does: its key and its text become strings.
      const std::string key = pqxx::binarystring(row[0]).str();
      const std::string text(row[1].c_str(), row[1].size());
      if (key.empty() || text.empty()) {
        throw std::runtime_error("PostgreSQL has read nothing");
      }
    }
  }

  pqxx::connection connection_;
};

}  // namespace

double settle_postgres(const std::string& url) {
  constexpr std::chrono::seconds longest{180};
  constexpr std::chrono::milliseconds pause{500};
  const auto begun = std::chrono::steady_clock::now();
  pqxx::connection connection(url);
  pqxx::nontransaction work(connection);
  work.exec("CHECKPOINT");
  const auto busy = [&] {
    return work.exec(
                   "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                   "backend_type = 'autovacuum worker'")[0][0]
               .as<int>() > 0;
  };
  while (busy() && std::chrono::steady_clock::now() - begun < longest) {
    std::this_thread::sleep_for(pause);
  }
  work.exec("CHECKPOINT");
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

void drop_postgres_schema(const std::string& url, const std::string& schema) {
  pqxx::connection connection(url);
  const pqxx::quiet_errorhandler quiet(connection);
  pqxx::nontransaction work(connection);
  work.exec("DROP SCHEMA IF EXISTS " + work.quote_name(schema) + " CASCADE");
}

std::unique_ptr<Bare> make_bare_postgres(const std::string& url) {
  return std::make_unique<BarePostgres>(url);
}

}  // namespace bench

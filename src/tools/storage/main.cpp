// tern-storage: moves a bot's documents from one store to another, checks them, and turns them into text and back.
// See docs/storage.md.

#include "schema/version.hpp"
#include "tools/storage/copy.hpp"
#include "tools/storage/open_store.hpp"
#include "tools/storage/store_spec.hpp"
#include "tools/storage/tool_error.hpp"
#include "tools/storage/tool_main.hpp"
#include "tools/storage/transfer.hpp"

#include <tern/async/log.hpp>
#ifdef TERN_HAS_POSTGRES
#include <tern/storage/postgres_storage.hpp>
#endif
#ifdef TERN_HAS_ROCKSDB
#include "rocksdb/salvage.hpp"
#endif

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <utility>

namespace tern::tools {
namespace {

constexpr int failed = 1;

constexpr const char* about =
    R"(Moves a bot's state and pending sends from one store to another, checks it, and turns it into text and back.

A STORE is STORES.
Passwords are better in that variable, in PGPASSWORD or in ~/.pgpass than on the command line.
Stop the bot first. Status: 0 done, 1 failed, 2 called wrongly.)";

struct Words {
  std::string from;
  std::string to;
  std::string store;
  std::string from_schema = "tern";
  std::string to_schema = "tern";
  std::string schema = "tern";
  std::string role;
  std::string file = "-";
  bool pgbouncer = false;
  bool restart = false;
  bool leave_sends = false;
  bool overwrite = false;
  bool postgres = false;
};

StoreSpec spec_of(const std::string& text, const std::string& schema, const Words& words) {
  auto spec = parse_store(text);
  spec.storage.schema = schema;
  spec.storage.pgbouncer = words.pgbouncer;
  return spec;
}

void print(const Totals& totals) {
  std::printf("documents %llu\nbytes %llu\nsha256 %s\n", static_cast<unsigned long long>(totals.documents),
              static_cast<unsigned long long>(totals.bytes), totals.sha256.c_str());
}

int run_copy(const Words& words, Progress& progress) {
  const auto from = spec_of(words.from, words.from_schema, words);
  const auto to = spec_of(words.to, words.to_schema, words);
  if (from.id() == to.id()) {
    throw UsageError("--from and --to name the same store.");
  }
  const OpenStore source(from, Use::read);
  const OpenStore target(to, Use::fill);
  CopyOptions options{from.id(), words.restart, words.leave_sends};
  const auto report = finish(copy(source.get(), target.get(), std::move(options), progress));
  print(report.totals);
  const auto& [sends, keys, dead, sum] = report.schedule;
  if (sends > 0 || keys > 0 || dead > 0) {
    std::printf("sends %llu\nkeys %llu\ndead %llu\n", static_cast<unsigned long long>(sends),
                static_cast<unsigned long long>(keys), static_cast<unsigned long long>(dead));
  }
  return 0;
}

int run_check(const Words& words, Progress& progress) {
  const OpenStore store(spec_of(words.store, words.schema, words), Use::read);
  const auto report = finish(check(store.get(), progress));
  for (const auto& problem : report.first) {
    std::fprintf(stderr, "%s\n", problem.c_str());
  }
  print(report.totals);
  std::printf("problems %llu\n", static_cast<unsigned long long>(report.problems));
  return report.problems == 0 ? 0 : failed;
}

int run_export(const Words& words, Progress& progress) {
  const OpenStore store(spec_of(words.store, words.schema, words), Use::read);
  if (words.file == "-") {
    finish(export_lines(store.get(), std::cout, progress));
    return 0;
  }
  std::ofstream file(words.file, std::ios::binary | std::ios::trunc);
  if (!file) {
    throw ToolError("The file " + words.file + " cannot be written.");
  }
  print(finish(export_lines(store.get(), file, progress)));
  return 0;
}

int run_import(const Words& words, Progress& progress) {
  const auto spec = spec_of(words.store, words.schema, words);
  const ImportOptions options{words.overwrite};
  if (words.file == "-") {
    const OpenStore store(spec, Use::fill);
    print(finish(import_lines(std::cin, store.get(), options, progress)));
    return 0;
  }
  std::ifstream file(words.file, std::ios::binary);
  if (!file) {
    throw ToolError("The file " + words.file + " cannot be read.");
  }
  // All of it is looked at before anything is written.
  check_lines(file);
  file.clear();
  file.seekg(0);
  const OpenStore store(spec, Use::fill);
  print(finish(import_lines(file, store.get(), options, progress)));
  return 0;
}

int run_salvage([[maybe_unused]] const Words& words, [[maybe_unused]] Progress& progress) {
  const auto spec = spec_of(words.store, words.schema, words);
  if (spec.storage.kind != "rocksdb") {
    throw UsageError("salvage is for a RocksDB store: the log of another is its server's.");
  }
#ifdef TERN_HAS_ROCKSDB
  (void)make_store(spec, Use::read);  // or a mistyped folder would be made
  salvage_rocksdb(spec.storage.path);
  progress.note("The store can be opened. If its log was damaged, what came after that place is lost.");
#endif
  return 0;
}

int run_schema(const Words& words) {
  if (!words.postgres) {
    throw UsageError("schema wants --postgres: no other store has one.");
  }
#ifdef TERN_HAS_POSTGRES
  std::fputs(postgres_schema_sql(words.schema, words.role).c_str(), stdout);
  return 0;
#else
  throw UsageError("This program was built without postgres. Build Tern with -DTERN_WITH_POSTGRES=ON.");
#endif
}

using Command = std::function<int(const Words&, Progress&)>;

void add_commands(CLI::App& parser, Words& words, Command& chosen) {
  const auto add = [&](const char* name, const char* help, Command run) {
    auto* command = parser.add_subcommand(name, help);
    command->callback([&chosen, run = std::move(run)] { chosen = run; });
    return command;
  };
  const auto one_store = [&](CLI::App* command) {
    command->add_option("STORE", words.store, "The store")->required();
    command->add_option("--schema", words.schema, "Postgres: the schema of its tables (tern)");
    command->add_flag("--pgbouncer", words.pgbouncer, "Postgres: through PgBouncer in transaction mode");
  };
  auto* copying =
      add("copy", "Copy documents, sends and idempotency keys into an empty store; run again, it goes on", run_copy);
  copying->add_option("--from", words.from, "The store to read")->required();
  copying->add_option("--to", words.to, "The store to fill")->required();
  copying->add_option("--from-schema", words.from_schema, "Postgres: the schema to read (tern)");
  copying->add_option("--to-schema", words.to_schema, "Postgres: the schema to fill (tern)");
  copying->add_flag("--restart", words.restart, "Forget what an earlier copy has done");
  copying->add_flag("--leave-sends", words.leave_sends, "Copy documents alone; what is pending stays in the old store");
  copying->add_flag("--pgbouncer", words.pgbouncer, "Postgres: through PgBouncer in transaction mode");
  one_store(add("check", "Read every document twice and say what is wrong", run_check));
  auto* exporting = add("export", "Write all documents as JSON lines", run_export);
  one_store(exporting);
  exporting->add_option("--output", words.file, "A file; - for standard output, the default");
  auto* importing = add("import", "Write the documents of JSON lines", run_import);
  one_store(importing);
  importing->add_option("--input", words.file, "A file; - for standard input, the default");
  importing->add_flag("--overwrite", words.overwrite, "Replace what has the same key, leave the rest");
  auto* salvaging = add("salvage", "RocksDB: give up what comes after a damaged place of the log", run_salvage);
  salvaging->add_option("STORE", words.store, "The store")->required();
  auto* schema = add("schema", "Print the SQL that makes the tables, for those who may not make them",
                     [](const Words& given, Progress&) { return run_schema(given); });
  schema->add_flag("--postgres", words.postgres, "Of PostgreSQL");
  schema->add_option("--schema", words.schema, "The schema that holds them (tern)");
  schema->add_option("--role", words.role, "The role that gets the rights which a bot needs");
  parser.require_subcommand(1);
}

int run(int argc, char** argv) {
  CLI::App parser(with_stores(about), "tern-storage");
  parser.set_version_flag("--version", std::string("tern-storage ") + version);
  Words words;
  Command chosen;
  add_commands(parser, words, chosen);
  try {
    parser.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    print_help(parser, e, "tern-storage");
    return 0;
  }
  log::configure(log::Level::error, log::Format::text);
  ConsoleProgress progress(stderr, ::isatty(STDERR_FILENO) != 0);
  return chosen(words, progress);
}

}  // namespace
}  // namespace tern::tools

int main(int argc, char** argv) {
  return tern::tools::run_tool("tern-storage", tern::tools::run, argc, argv);
}

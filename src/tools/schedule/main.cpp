// tern-schedule: looks at a bot's pending and dead sends, cancels them, and sends dead ones again.
// See docs/tern-schedule.md.

#include "app/without_secrets.hpp"
#include "schema/version.hpp"
#include "tools/schedule/commands.hpp"
#include "tools/storage/open_store.hpp"
#include "tools/storage/store_spec.hpp"
#include "tools/storage/tool_error.hpp"
#include "tools/storage/tool_main.hpp"

#include <tern/async/log.hpp>
#include <tern/schema/timestamp.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <functional>
#include <iostream>
#include <string_view>
#include <utility>

namespace tern::tools {
namespace {

constexpr const char* about =
    R"(Shows what a bot has promised to send and what it gave up, cancels it, and sends it again.

A STORE is STORES.
PostgreSQL may be looked at and changed while its bots run; a RocksDB folder has one owner, so stop
its bot first. Texts of messages are shown with --text only. Status: 0 done, 1 failed or too late, 2 called wrongly.)";

struct Words {
  std::string store;
  std::string schema = "tern";
  bool pgbouncer = false;
  bool json = false;
  bool text = false;
  std::vector<std::string> handles;
  bool all = false;
  Listing listing;
};

using Command = std::function<Status(const Words&)>;
using Work = std::function<awaitable<Status>(AnyStorage, const Words&, Printer&)>;

StoreSpec spec_of(const Words& words) {
  auto spec = parse_store(words.store);
  spec.storage.schema = words.schema;
  spec.storage.pgbouncer = words.pgbouncer;
  return spec;
}

/// Opens what is there.
/// Errors: `ToolError`, with what to do when a bot has the folder.
std::unique_ptr<OpenStore> open(const StoreSpec& spec) {
  try {
    return std::make_unique<OpenStore>(spec, Use::read);
  } catch (const ToolError& e) {
    if (std::string_view(e.what()).find("another process has this folder") == std::string_view::npos) {
      throw;
    }
    throw ToolError(
        "The folder " + spec.storage.path +
        " belongs to a bot that runs, or to another tool: one process at a time has a RocksDB store. Stop "
        "the bot, run this again, and start it: what falls due meanwhile it sends then. Or ask the bot itself, "
        "below /proactive/ (docs/proactive-http.md). With PostgreSQL the bots can go on.");
  }
}

Status with_store(const Words& words, const Work& work) {
  const auto store = open(spec_of(words));
  if (!store->get().schedules()) {
    throw ToolError("This store keeps no schedule: there is nothing to list.");
  }
  Printer printer(std::cout, {words.json, words.text ? Texts::shown : Texts::hidden}, system_clock());
  return finish(work(store->get(), words, printer));
}

Status run_on_handles(const Words& words, awaitable<Status> (*command)(AnyStorage, std::vector<SendHandle>, Printer&)) {
  // Before the store is opened: a slip of the keyboard needs none.
  const auto handles = parse_handles(words.handles);
  return with_store(words, [&](AnyStorage store, const Words&, Printer& printer) {
    return command(std::move(store), handles, printer);
  });
}

Status run_list(const Words& words) {
  return with_store(words, [](AnyStorage store, const Words& given, Printer& printer) {
    return list_pending(std::move(store), given.listing, printer);
  });
}

Status run_dead(const Words& words) {
  return with_store(words, [](AnyStorage store, const Words& given, Printer& printer) {
    return list_dead(std::move(store), given.listing, printer);
  });
}

Status run_show(const Words& words) {
  const auto handle = parse_handles(words.handles).at(0);
  return with_store(
      words, [&](AnyStorage store, const Words&, Printer& printer) { return show(std::move(store), handle, printer); });
}

Status run_redrive(const Words& words) {
  const auto& filter = words.listing.dead;
  const bool many = words.all || !filter.reason.empty() || filter.since || filter.until;
  if (many == !words.handles.empty()) {
    throw UsageError("redrive wants handles, or --all, --reason, --since or --until for many, and not both.");
  }
  if (!many) {
    return run_on_handles(words, redrive);
  }
  return with_store(words, [](AnyStorage store, const Words& given, Printer& printer) {
    return redrive_all(std::move(store), given.listing.dead, printer);
  });
}

Status run_stats(const Words& words) {
  return with_store(words,
                    [](AnyStorage store, const Words&, Printer& printer) { return stats(std::move(store), printer); });
}

// CLI11's own says which floating-point numbers it would take.
std::string is_count(const std::string& text) {
  const bool digits = !text.empty() && text.size() < 19 &&
                      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits && text.find_first_not_of('0') != std::string::npos
             ? std::string()
             : "\"" + printable(text, 60) + "\" is no number of sends. Give 1 or more.";
}

WallTime time_of(const std::string& text) {
  const auto time = Timestamp::parse(text);
  if (!time) {
    throw UsageError("\"" + printable(text, 60) + "\" is no time. Give one as in 2026-12-24T18:00:00Z.");
  }
  return time->time();
}

// The options that choose dead sends.
void add_filter(CLI::App& command, DeadFilter& filter) {
  command.add_option("--reason", filter.reason, "Those whose reason begins so: conversation_gone");
  const auto time = [&](const char* name, std::optional<WallTime> DeadFilter::* member, const char* help) {
    command.add_option_function<std::string>(
        name, [&filter, member](const std::string& text) { filter.*member = time_of(text); }, help);
  };
  time("--since", &DeadFilter::since, "Those that were given up then or later: 2026-12-24T18:00:00Z");
  time("--until", &DeadFilter::until, "Those that were given up then or earlier");
}

void add_commands(CLI::App& parser, Words& words, Command& chosen) {
  const auto add = [&](const char* name, const char* help, Command run) {
    auto* command = parser.add_subcommand(name, help);
    command->callback([&chosen, run = std::move(run)] { chosen = run; });
    command->add_option("STORE", words.store, "The store")->required();
    command->add_option("--schema", words.schema, "Postgres: the schema of its tables (tern)");
    command->add_flag("--pgbouncer", words.pgbouncer, "Postgres: through PgBouncer in transaction mode");
    command->add_flag("--json", words.json, "A line of JSON for each send");
    return command;
  };
  const auto listing = [&](CLI::App* command) {
    command->add_flag("--text", words.text, "Show the messages, which are private");
    command->add_option("--order-key,--conversation", words.listing.conversation,
                        "Of one order key, as the list shows it: a conversation, unless it was given another");
    command->add_option("--limit", words.listing.limit, "At most so many")->check(CLI::Validator(is_count, "NUMBER"));
  };
  const auto handles = [&](CLI::App* command) {
    return command->add_option("HANDLE", words.handles, "As list and dead show it");
  };
  listing(add("list", "Pending sends, those that are due first first", run_list));
  auto* showing = add("show", "All about one send, pending or dead", run_show);
  handles(showing)->required()->expected(1);
  showing->add_flag("--text", words.text, "Show the message, which is private");
  handles(add("cancel", "Pending sends are never sent", [](const Words& given) {
    return run_on_handles(given, cancel);
  }))->required();
  auto* dying = add("dead", "Sends that were given up, with the reason, those that died first first", run_dead);
  listing(dying);
  add_filter(*dying, words.listing.dead);
  auto* redriving = add("redrive", "Dead sends are sent again, as if new", run_redrive);
  handles(redriving);
  redriving->add_flag("--all", words.all, "All that are dead");
  add_filter(*redriving, words.listing.dead);
  handles(add("discard", "Dead sends are forgotten", [](const Words& given) {
    return run_on_handles(given, discard);
  }))->required();
  add("stats", "How many are pending, sent, cancelled, expired and dead", run_stats);
  parser.require_subcommand(1);
}

/// The first word is meant as a command, and is none.
/// Errors: `UsageError`.
void require_command(const CLI::App& parser, std::string_view first) {
  bool is_command = false;
  std::string names;
  for (const auto* command : parser.get_subcommands([](const CLI::App*) { return true; })) {
    is_command = is_command || command->get_name() == first;
    names += (names.empty() ? "" : ", ") + command->get_name();
  }
  if (!first.empty() && first.front() != '-' && !is_command) {
    throw UsageError("\"" + printable(app::without_secrets(first), 60) + "\" is no command. There are: " + names + ".");
  }
}

int run(int argc, char** argv) {
  CLI::App parser(with_stores(about), "tern-schedule");
  parser.set_version_flag("--version", std::string("tern-schedule ") + version);
  Words words;
  Command chosen;
  add_commands(parser, words, chosen);
  try {
    parser.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() != 0) {
      require_command(parser, argc > 1 ? argv[1] : "");
    }
    print_help(parser, e, "tern-schedule");
    return done;
  }
  log::configure(log::Level::error, log::Format::text);
  return chosen(words);
}

}  // namespace
}  // namespace tern::tools

int main(int argc, char** argv) {
  return tern::tools::run_tool("tern-schedule", tern::tools::run, argc, argv);
}

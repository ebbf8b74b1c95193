#include <tern/app/config.hpp>

#include "app/bot_keys.hpp"
#include "app/config_file.hpp"
#include "app/config_values.hpp"
#include "app/config_variables.hpp"
#include "app/destinations.hpp"
#include "app/direct_line_keys.hpp"
#include "app/edge_rules.hpp"
#include "app/key_table.hpp"
#include "app/memory_bounds.hpp"
#include "app/pretty_json.hpp"
#include "app/storage_factory.hpp"
#include "app/typed_name.hpp"
#include "app/without_secrets.hpp"
#include "schema/version.hpp"

#include <boost/json/serialize.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <set>
#include <sstream>

extern char** environ;

namespace tern {

namespace {

using app::KeyTable;

constexpr const char* mask = "***";

std::string suggestion(const KeyTable& keys, std::string_view name, const json::value& value) {
  if (const auto* inside = KeyTable::in_group(name, value)) {
    return " Did you mean " + inside->name() + "?";
  }
  const auto* near = keys.nearest(name);
  return near != nullptr ? " Did you mean " + near->name() + "?" : " --help lists all keys.";
}

std::string shown(const json::value& value) {
  return value.is_string() ? json::serialize(json::value(app::without_secrets(value.get_string())))
                           : app::without_secrets(json::serialize(value));
}

void apply(const KeyTable& keys, Settings& settings, std::string_view name, const json::value& value,
           const std::string& source) {
  const auto* key = keys.find(name);
  if (key == nullptr) {
    throw ConfigError("Unknown key " + app::without_secrets(name) + " (" + source + ")." +
                      suggestion(keys, name, value));
  }
  if (key->secret() && value.is_string() && value.as_string() == mask) {
    throw ConfigError(key->name() + " (" + source + ") is " + mask +
                      ", which --print-config writes in place of a secret: give the secret, or leave it out.");
  }
  try {
    key->assign(settings, value);
  } catch (const std::invalid_argument&) {
    const auto found = key->secret() ? std::string(mask) : shown(value);
    throw ConfigError(key->name() + " (" + source + ") is " + found + "; allowed is " + key->allowed() + ".");
  }
}

std::string stands_twice(const std::string& name, const std::string& source) {
  return name + " is given twice in " + source + "; leave one of the two out.";
}

/// Accepts nested objects and dotted names: {"listen":{"port":1}} and {"listen.port":1}. A key may have one value only.
void apply_object(const KeyTable& keys, Settings& settings, const json::object& object, const std::string& prefix,
                  const std::string& source, std::set<std::string>& seen) {
  for (const auto& [name, value] : object) {
    const auto full = prefix + std::string(name);
    if (value.is_object() && keys.find(full) == nullptr) {
      apply_object(keys, settings, value.as_object(), full + ".", source, seen);
    } else {
      if (keys.find(full) != nullptr && !seen.insert(full).second) {
        throw ConfigError(stands_twice(full, source));
      }
      apply(keys, settings, full, value, source);
    }
  }
}

/// Variables whose keys `--set` sets are not checked, because their values do not count.
void apply_environment(const KeyTable& keys, Settings& settings, const Environment& environment,
                       const app::Assignments& overruled, std::vector<std::string>& warnings) {
  for (const auto& [name, value] : environment) {
    if (!app::may_be_key(name, value)) {
      continue;
    }
    const auto* found = keys.find_variable(name);
    if (found == nullptr) {
      warnings.push_back(app::unknown_variable(keys, name));
    } else if (!overruled.contains(found->name())) {
      apply(keys, settings, found->name(), json::value(value), "variable " + name);
    }
  }
}

std::pair<std::string, std::string> split_assignment(const KeyTable& keys, const std::string& assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw ConfigError("--set " + app::typed_name(keys, assignment) +
                      " is not of the form key=value, as in --set listen.port=3979.");
  }
  return {assignment.substr(0, equals), assignment.substr(equals + 1)};
}

void check_storage(const Settings& settings) {
  const auto& backend = app::backend_of(settings);
  if (backend.check) {
    backend.check(settings);
  }
}

void check_combinations(const Settings& settings, bool has_authenticator) {
  check_storage(settings);
  app::check_bot(settings.bot, has_authenticator);
  app::check_edge(settings, has_authenticator);
  if (!settings.proactive.secret.empty() && !settings.proactive.enabled) {
    throw ConfigError(
        "proactive.secret opens the paths below /proactive/, but proactive.enabled is off, so that nothing could be "
        "sent by them. Switch it on, or leave the secret out.");
  }
  app::check_direct_line(settings);
  app::check_destinations(settings.bot, has_authenticator);
}

/// The message about words on the command line that are not options. Such a word may be a secret whose --set or key is
/// missing, so it is masked.
std::string unexpected(const KeyTable& keys, const std::vector<std::string>& words) {
  std::string text = "Not understood on the command line:";
  for (const auto& word : words) {
    text += ' ' + app::typed_name(keys, word);
  }
  return text +
         ". A key is set with --set KEY=VALUE, and a file is named with --config FILE; --help tells how the program is "
         "called.";
}

bool has_value(const app::ConfigKey& key) {
  return key.read(Settings()) != json::value("");
}

std::string help_text(const KeyTable& keys, const std::string& program) {
  std::ostringstream text;
  text << "Usage: " << program << " [--config FILE] [--set KEY=VALUE]... [--print-config] [--version] [--help]\n\n"
       << "  --config FILE     a JSON file: {\"listen\":{\"port\":3979}}\n"
       << "  --set KEY=VALUE   one key; may be repeated\n"
       << "  --print-config    the configuration that results, secrets masked; on standard error, what\n"
       << "                    memory its bounds allow\n\n"
       << "Later ones win: defaults, file, environment (TERN_LISTEN_PORT=3979), --set. Keys:\n\n";
  for (const auto* key : keys.all()) {
    text << "  " << key->name() << "\n      " << key->help() << "\n      Allowed: " << key->allowed()
         << ". Default: " << (key->secret() && has_value(*key) ? "set" : json::serialize(key->read(Settings())))
         << "\n";
  }
  return text.str();
}

/// The options on the command line.
struct Words {
  std::optional<std::string> file;
  std::vector<std::string> assignments;
  bool print = false;
  bool help = false;
  bool tell_version = false;
};

Words read_words(const KeyTable& keys, int argc, const char* const* argv) {
  Words words;
  CLI::App parser;
  parser.set_help_flag();
  parser.add_option("--config", words.file);
  parser.add_option("--set", words.assignments)->allow_extra_args(false);
  parser.add_flag("--print-config", words.print);
  parser.add_flag("--help,-h", words.help);
  parser.add_flag("--version", words.tell_version);
  try {
    parser.parse(argc, argv);
  } catch (const CLI::ExtrasError&) {
    throw ConfigError(unexpected(keys, parser.remaining()));
  } catch (const CLI::ParseError& e) {
    throw ConfigError(app::without_secrets(e.what()) + ". --help tells how the program is called.");
  }
  return words;
}

/// Applies the environment and then `--set`. A variable whose key `--set` has does not count.
void apply_overrides(const KeyTable& keys, const std::vector<std::string>& assignments, const Environment& environment,
                     CommandLine& command) {
  std::vector<std::pair<std::string, std::string>> set;
  app::Assignments overruled;
  for (const auto& assignment : assignments) {
    overruled.insert(set.emplace_back(split_assignment(keys, assignment)).first);
  }
  apply_environment(keys, command.settings, environment, overruled, command.warnings);
  for (const auto& [key, value] : set) {
    apply(keys, command.settings, key, json::value(value), "--set");
  }
}

}  // namespace

Environment process_environment() {
  Environment all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view pair = *entry;
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos) {
      all.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
    }
  }
  return all;
}

std::string print_config(const Settings& settings, const OwnKeys& own) {
  json::object all;
  const KeyTable keys(own);
  for (const auto* key : keys.all()) {
    auto value = key->read(settings);
    if (key->secret() && value != json::value("")) {
      value = mask;
    }
    all[key->name()] = std::move(value);
  }
  return app::pretty_object(all) + "\n";
}

CommandLine load_config(int argc, const char* const* argv, const ConfigDefaults& defaults,
                        const Environment& environment, const OwnKeys& own, bool has_authenticator) {
  const KeyTable keys(own);
  const auto words = read_words(keys, argc, argv);
  CommandLine command;
  if (words.help || words.tell_version) {
    command.action = CommandLine::Action::print;
    const std::string program = argc > 0 ? argv[0] : "bot";
    command.text =
        words.help ? help_text(keys, program.substr(program.rfind('/') + 1)) : std::string("tern ") + version + "\n";
    return command;
  }
  for (const auto& entry : defaults) {
    apply(keys, command.settings, entry.key, entry.value, "default set by the program");
  }
  if (words.file) {
    if (words.file->empty()) {
      throw ConfigError("--config names no file: its value is empty. Give the path of a file, or leave --config out");
    }
    std::set<std::string> seen;
    apply_object(keys, command.settings, app::read_config_file(*words.file), "",
                 "file " + app::without_secrets(*words.file), seen);
  }
  apply_overrides(keys, words.assignments, environment, command);
  check_combinations(command.settings, has_authenticator);
  if (words.print) {
    command.action = CommandLine::Action::print;
    command.text = print_config(command.settings, own);
    const auto descriptors = app::plan_descriptors(app::most_descriptors(), command.settings.limits.connections);
    command.note = app::describe(app::memory_bounds(command.settings, app::shard_count(command.settings), descriptors));
  }
  return command;
}

}  // namespace tern

#include <tern/app/own_keys.hpp>

#include "app/config_keys.hpp"
#include "app/config_values.hpp"

#include <tern/error.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace tern {

namespace {

using app::ConfigKey;

// Variables of these groups belong to the build and the tests of Tern, and are ignored.
constexpr std::array<std::string_view, 4> groups_of_the_build{"test", "build", "with", "dev"};

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  throw_error(errc::invalid_argument, "The key \"" + name + "\" of the bot " + why);
}

bool is_part(std::string_view part) {
  return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// Whether Tern has this group, or ignores its variables.
bool is_of_tern(std::string_view group) {
  const auto& keys = app::config_keys();
  return std::find(groups_of_the_build.begin(), groups_of_the_build.end(), group) != groups_of_the_build.end() ||
         std::any_of(keys.begin(), keys.end(), [group](const ConfigKey& key) {
           return std::string_view(key.name()).substr(0, key.name().find('.')) == group;
         });
}

void require_name(const std::string& name) {
  std::size_t parts = 0;
  for (std::size_t begin = 0; begin <= name.size(); ++parts) {
    const auto end = std::min(name.find('.', begin), name.size());
    if (!is_part(std::string_view(name).substr(begin, end - begin))) {
      refuse(name, "is not made of small letters, digits and underscores, with dots between its parts.");
    }
    begin = end + 1;
  }
  if (parts < 2) {
    refuse(name, "needs a group before it, as in shop." + name + ".");
  }
  const auto group = name.substr(0, name.find('.'));
  if (is_of_tern(group)) {
    refuse(name, "begins with \"" + group + "\", which is Tern's own. Choose another group.");
  }
}

std::string list_of(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) {
    text += (text.empty() ? "" : ", ") + word;
  }
  return text;
}

ConfigKey text_key(std::string name, std::string& value, std::string help, bool secret) {
  auto* bound = &value;
  return {std::move(name),
          "text",
          std::move(help),
          [bound](Settings&, const json::value& found) {
            if (!found.is_string()) {
              throw std::invalid_argument("text");
            }
            *bound = std::string(found.get_string());
          },
          [bound](const Settings&) { return json::value(*bound); },
          secret};
}

}  // namespace

OwnKeys& OwnKeys::add(ConfigKey key) {
  require_name(key.name());
  const auto variable = key.variable();
  if (std::any_of(keys_.begin(), keys_.end(), [&](const auto& other) { return other->variable() == variable; })) {
    refuse(key.name(), "stands twice, or has the variable " + variable + " of another.");
  }
  keys_.push_back(std::make_shared<const ConfigKey>(std::move(key)));
  return *this;
}

OwnKeys& OwnKeys::text(std::string name, std::string& value, std::string help) {
  return add(text_key(std::move(name), value, std::move(help), false));
}

OwnKeys& OwnKeys::secret(std::string name, std::string& value, std::string help) {
  return add(text_key(std::move(name), value, std::move(help), true));
}

OwnKeys& OwnKeys::choice(std::string name, std::string& value, std::vector<std::string> allowed, std::string help) {
  const auto words = list_of(allowed);
  if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
    refuse(name, "is \"" + value + "\" by default, which is none of " + words + ".");
  }
  auto* bound = &value;
  return add(ConfigKey(
      std::move(name), words, std::move(help),
      [bound, words, allowed = std::move(allowed)](Settings&, const json::value& found) {
        const auto word = found.is_string() ? std::string(found.get_string()) : std::string();
        if (!found.is_string() || std::find(allowed.begin(), allowed.end(), word) == allowed.end()) {
          throw std::invalid_argument(words);
        }
        *bound = word;
      },
      [bound](const Settings&) { return json::value(*bound); }));
}

OwnKeys& OwnKeys::flag(std::string name, bool& value, std::string help) {
  auto* bound = &value;
  return add(ConfigKey(
      std::move(name), "true or false", std::move(help),
      [bound](Settings&, const json::value& found) {
        const auto flag = app::read_bool(found);
        if (!flag) {
          throw std::invalid_argument("true or false");
        }
        *bound = *flag;
      },
      [bound](const Settings&) { return json::value(*bound); }));
}

OwnKeys& OwnKeys::whole_number(std::string name, std::shared_ptr<Number> value, std::uint64_t least, std::uint64_t most,
                               std::string help) {
  const auto allowed = "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  if (value->get() < least || value->get() > most) {
    refuse(name, "is " + std::to_string(value->get()) + " by default; allowed is " + allowed + ".");
  }
  return add(ConfigKey(
      std::move(name), allowed, std::move(help),
      [value, allowed, least, most](Settings&, const json::value& found) {
        const auto number = app::read_number(found);
        if (!number || *number < least || *number > most) {
          throw std::invalid_argument(allowed);
        }
        value->set(*number);
      },
      [value](const Settings&) { return json::value(value->get()); }));
}

OwnKeys& OwnKeys::duration(std::string name, std::chrono::milliseconds& value, std::chrono::milliseconds least,
                           std::chrono::milliseconds most, std::string help) {
  const auto allowed = "a time from " + app::write_duration(least) + " to " + app::write_duration(most) +
                       ", as milliseconds or with ms, s, m, h";
  if (value < least || value > most) {
    refuse(name, "is " + app::write_duration(value) + " by default; allowed is " + allowed + ".");
  }
  auto* bound = &value;
  return add(ConfigKey(
      std::move(name), allowed, std::move(help),
      [bound, allowed, least, most](Settings&, const json::value& found) {
        const auto duration = app::read_duration(found);
        if (!duration || *duration < least || *duration > most) {
          throw std::invalid_argument(allowed);
        }
        *bound = *duration;
      },
      [bound](const Settings&) { return json::value(app::write_duration(*bound)); }));
}

}  // namespace tern

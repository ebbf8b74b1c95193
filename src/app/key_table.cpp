#include "app/key_table.hpp"

#include "app/nearest_name.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace tern::app {

KeyTable::KeyTable(const OwnKeys& own) {
  for (const auto& key : config_keys()) {
    all_.push_back(&key);
  }
  for (const auto& key : own.all()) {
    all_.push_back(key.get());
  }
}

const ConfigKey* KeyTable::find(std::string_view name) const noexcept {
  const auto found =
      std::find_if(all_.begin(), all_.end(), [name](const ConfigKey* key) { return key->name() == name; });
  return found == all_.end() ? nullptr : *found;
}

const ConfigKey* KeyTable::find_variable(std::string_view variable) const {
  const auto found =
      std::find_if(all_.begin(), all_.end(), [variable](const ConfigKey* key) { return key->variable() == variable; });
  return found == all_.end() ? nullptr : *found;
}

template <class NameOf>
const ConfigKey* KeyTable::nearest_by(std::string_view name, NameOf name_of) const {
  std::vector<std::string> texts;
  texts.reserve(all_.size());
  for (const auto* key : all_) {
    texts.emplace_back(name_of(*key));
  }
  const std::vector<std::string_view> names(texts.begin(), texts.end());
  const auto found = std::find(names.begin(), names.end(), nearest_name(name, names));
  return found == names.end() ? nullptr : all_[static_cast<std::size_t>(found - names.begin())];
}

const ConfigKey* KeyTable::nearest(std::string_view name) const {
  return nearest_by(name, [](const ConfigKey& key) { return key.name(); });
}

const ConfigKey* KeyTable::nearest_variable(std::string_view variable) const {
  // The prefix is left out, because all variables have it.
  const auto rest = [](std::string_view text) {
    return std::string(text.substr(std::min(text.size(), variable_prefix.size())));
  };
  return nearest_by(rest(variable), [&](const ConfigKey& key) { return rest(key.variable()); });
}

// The keys of the bot are not tried, because trying one would set the bot's variable.
const ConfigKey* KeyTable::in_group(std::string_view group, const json::value& value) {
  const auto prefix = std::string(group) + ".";
  for (const auto& key : config_keys()) {
    Settings any;
    try {
      if (key.name().starts_with(prefix)) {
        key.assign(any, value);
        return &key;
      }
    } catch (const std::invalid_argument&) {
      continue;
    }
  }
  return nullptr;
}

}  // namespace tern::app

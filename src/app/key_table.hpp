#pragma once

#include "app/config_keys.hpp"

#include <tern/app/own_keys.hpp>

#include <string_view>
#include <vector>

namespace tern::app {

/// The keys of a program: the keys of Tern, then those of its bot.
///
/// Lifetime: the bot's keys outlive it.
class KeyTable {
 public:
  explicit KeyTable(const OwnKeys& own);

  /// All keys, in the order in which they are printed.
  const std::vector<const ConfigKey*>& all() const noexcept { return all_; }
  /// nullptr when there is no such key.
  const ConfigKey* find(std::string_view name) const noexcept;
  /// The key that this variable of the environment sets; nullptr when there is none.
  const ConfigKey* find_variable(std::string_view variable) const;
  /// The key whose name is most similar to `name`; nullptr when none is similar.
  const ConfigKey* nearest(std::string_view name) const;
  /// The key whose variable is most similar to `variable`; nullptr when none is similar.
  const ConfigKey* nearest_variable(std::string_view variable) const;
  /// The first key of Tern below `group` that accepts `value`, such as `storage.kind` for "storage" and "rocksdb";
  /// nullptr when none does.
  static const ConfigKey* in_group(std::string_view group, const json::value& value);

 private:
  template <class NameOf>
  const ConfigKey* nearest_by(std::string_view name, NameOf name_of) const;

  std::vector<const ConfigKey*> all_;
};

}  // namespace tern::app

#include "app/typed_name.hpp"

#include "app/key_table.hpp"

#include <algorithm>

namespace tern::app {

namespace {

constexpr const char* mask = "***";

bool may_stand_in_name(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

}  // namespace

std::string typed_name(const KeyTable& keys, std::string_view word) {
  const auto end = std::find_if_not(word.begin(), word.end(), may_stand_in_name);
  auto name = word.substr(0, static_cast<std::size_t>(end - word.begin()));
  for (const auto* key : keys.all()) {
    if (key->secret() && name.starts_with(key->name())) {
      name = name.substr(0, key->name().size());
    }
  }
  if (!name.starts_with('-') && keys.nearest(name) == nullptr) {
    return mask;
  }
  return std::string(name) + (name.size() < word.size() ? mask : "");
}

}  // namespace tern::app

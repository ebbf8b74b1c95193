#pragma once

#include <boost/json/object.hpp>

#include <cstddef>
#include <cstring>
#include <string_view>

namespace tern::detail {

/// Whether a member has this name. The length is known when this is compiled, so that it calls no function.
template <std::size_t N>
bool is_named(const boost::json::key_value_pair& member, const char (&name)[N]) noexcept {
  return member.key().size() == N - 1 && std::memcmp(member.key_c_str(), name, N - 1) == 0;
}

/// The member of this name; nullptr without one. Lifetime: until the object changes.
///
/// It finds what `object.if_contains(name)` finds, in half the time: two names of one length are mostly told apart by
/// their first character. A turn looks for members about forty times.
inline const boost::json::value* find_member(const boost::json::object& object, std::string_view name) noexcept {
  constexpr std::size_t small = 18;  // Boost finds the members of a larger object by hash
  if (object.size() > small) {
    return object.if_contains(name);
  }
  for (const auto& member : object) {
    const auto key = member.key();
    if (key.size() == name.size() && (name.empty() || key.front() == name.front()) &&
        std::memcmp(key.data(), name.data(), name.size()) == 0) {
      return &member.value();
    }
  }
  return nullptr;
}

}  // namespace tern::detail

#pragma once

#include <tern/turn/state_value.hpp>

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

/// How typed values are written over stored ones, so that what a newer program has added survives a write of an older
/// one. See docs/state.md.
namespace tern::detail {

/// What is unknown of one value: the members that the type of the program does not have.
template <class T>
struct Unknown {
  /// Whether there is any, at whatever depth.
  static bool is_in(const json::value& stored) {
    if constexpr (is_optional<T>) {
      return Unknown<typename T::value_type>::is_in(stored);
    } else if constexpr (DescribedStruct<T>) {
      return stored.is_object() && is_in_struct(stored.as_object());
    } else if constexpr (is_described<T>() && MapOfState<T>) {
      return stored.is_object() && any_of(stored.as_object(), [](const auto& each) {
               return Unknown<typename T::mapped_type>::is_in(each.value());
             });
    } else if constexpr (is_described<T>() && ListOfState<T>) {
      return stored.is_array() &&
             any_of(stored.as_array(), [](const auto& each) { return Unknown<typename T::value_type>::is_in(each); });
    } else {
      return false;
    }
  }

  /// Whether what is known is the same in both.
  static bool has_same(const json::value& fresh, const json::value& stored) {
    if constexpr (is_optional<T>) {
      return Unknown<typename T::value_type>::has_same(fresh, stored);
    } else if constexpr (DescribedStruct<T>) {
      if (!fresh.is_object() || !stored.is_object()) {
        return false;
      }
      bool same = true;
      boost::mp11::mp_for_each<MembersOf<T>>([&](auto member) {
        const auto* now = fresh.as_object().if_contains(member.name);
        const auto* before = stored.as_object().if_contains(member.name);
        same = same && now != nullptr && before != nullptr &&
               Unknown<MemberType<decltype(member)>>::has_same(*now, *before);
      });
      return same;
    } else {
      return fresh == stored;
    }
  }

  /// `fresh` with what is unknown of `stored`.
  static json::value keep(json::value fresh, const json::value& stored) {
    if constexpr (is_optional<T>) {
      return Unknown<typename T::value_type>::keep(std::move(fresh), stored);
    } else if constexpr (DescribedStruct<T>) {
      return fresh.is_object() && stored.is_object() ? keep_in_struct(fresh.as_object(), stored.as_object()) : fresh;
    } else if constexpr (is_described<T>() && MapOfState<T>) {
      return fresh.is_object() && stored.is_object() ? keep_in_map(fresh.as_object(), stored.as_object()) : fresh;
    } else if constexpr (is_described<T>() && ListOfState<T>) {
      return fresh.is_array() && stored.is_array() ? keep_in_list(fresh.as_array(), stored.as_array()) : fresh;
    } else {
      return fresh;
    }
  }

 private:
  template <class Described>
  using MemberType = std::remove_cvref_t<decltype(std::declval<T&>().*Described::pointer)>;

  template <class Range, class Test>
  static bool any_of(const Range& range, Test test) {
    for (const auto& each : range) {
      if (test(each)) {
        return true;
      }
    }
    return false;
  }

  static bool is_in_struct(const json::object& stored) {
    std::size_t known = 0;
    bool is_deeper = false;
    boost::mp11::mp_for_each<MembersOf<T>>([&](auto member) {
      if (const auto* found = stored.if_contains(member.name)) {
        ++known;
        is_deeper = is_deeper || Unknown<MemberType<decltype(member)>>::is_in(*found);
      }
    });
    return is_deeper || known < stored.size();
  }

  // In the order in which it was stored, so that what did not change is not written.
  static json::value keep_in_struct(json::object& fresh, const json::object& stored) {
    json::object kept = stored;
    boost::mp11::mp_for_each<MembersOf<T>>([&](auto member) {
      auto* const now = fresh.if_contains(member.name);
      if (now == nullptr) {
        return;
      }
      const auto* before = stored.if_contains(member.name);
      kept[member.name] =
          before != nullptr ? Unknown<MemberType<decltype(member)>>::keep(std::move(*now), *before) : std::move(*now);
    });
    return kept;
  }

  static json::value keep_in_map(json::object& fresh, const json::object& stored) {
    for (auto& each : fresh) {
      if (const auto* before = stored.if_contains(each.key())) {
        each.value() = Unknown<typename T::mapped_type>::keep(std::move(each.value()), *before);
      }
    }
    return std::move(fresh);
  }

  // Elements have no names. One whose known part did not change is the same; in a list that has grown neither longer
  // nor shorter, one that did change is what stands in its place.
  static json::value keep_in_list(json::array& fresh, const json::array& stored) {
    using Element = typename T::value_type;
    std::vector<const json::value*> from(fresh.size(), nullptr);
    std::vector<bool> is_used(stored.size(), false);
    std::size_t next = 0;
    for (std::size_t i = 0; i < fresh.size(); ++i) {
      for (std::size_t j = next; j < stored.size() && from[i] == nullptr; ++j) {
        if (Unknown<Element>::has_same(fresh[i], stored[j])) {
          from[i] = &stored[j];
          is_used[j] = true;
          next = j + 1;
        }
      }
    }
    for (std::size_t i = 0; i < fresh.size(); ++i) {
      if (from[i] == nullptr && fresh.size() == stored.size() && !is_used[i]) {
        from[i] = &stored[i];
      }
      if (from[i] != nullptr) {
        fresh[i] = Unknown<Element>::keep(std::move(fresh[i]), *from[i]);
      }
    }
    return std::move(fresh);
  }
};

/// What is to be stored in place of `stored`.
template <class T>
json::value keep_unknown(json::value fresh, const json::value& stored) {
  return Unknown<T>::is_in(stored) ? Unknown<T>::keep(std::move(fresh), stored) : std::move(fresh);
}
using KeepUnknown = json::value (*)(json::value fresh, const json::value& stored);

}  // namespace tern::detail

#pragma once

#include <tern/error.hpp>
#include <tern/schema/json_object.hpp>

#include <boost/describe/enum_from_string.hpp>
#include <boost/describe/enumerators.hpp>
#include <boost/describe/members.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>
#include <boost/mp11/algorithm.hpp>

#include <exception>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// How stored values are read as typed ones, so that the types can grow: what is absent takes its default. See
/// docs/state.md.
namespace tern::detail {

/// A stored value that is not what the program's type wants: where in it, and what is wrong.
class StateMismatch : public std::exception {
 public:
  explicit StateMismatch(std::string problem) : problem_(std::move(problem)) {}
  /// It is in the member `name`, or in the element `index`, of what is read.
  void in_member(std::string_view name) { path_ = std::string(name) + (path_.starts_with('[') ? "" : dot()) + path_; }
  void in_element(std::size_t index) { path_ = '[' + std::to_string(index) + ']' + dot() + path_; }

  const char* what() const noexcept override { return problem_.c_str(); }
  const std::string& path() const noexcept { return path_; }

 private:
  const char* dot() const noexcept { return path_.empty() || path_.starts_with('[') ? "" : "."; }

  std::string path_;
  std::string problem_;
};

/// "is a text, and a whole number is wanted (not a number)". Never what the text says: it may be a person's.
[[noreturn]] void throw_mismatch(const json::value& found, std::string_view wanted, const std::string& why = {});
/// "is "blue", which is none of red, green".
[[noreturn]] void throw_unknown_enumerator(std::string_view found, const std::vector<std::string_view>& known);

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

/// A type whose author has said how it is read or written.
template <class T>
concept ConvertsItself = requires(const json::value& from) { tag_invoke(json::value_to_tag<T>(), from); } ||
                         requires(const json::value& from) { tag_invoke(json::try_value_to_tag<T>(), from); } ||
                         requires(json::value& to, const T& from) { tag_invoke(json::value_from_tag(), to, from); };

template <class T>
concept JsonItself = std::is_same_v<T, json::value> || std::is_same_v<T, json::object> ||
                     std::is_same_v<T, json::array> || std::is_same_v<T, json::string>;

template <class T>
concept DescribedStruct = json::is_described_class<T>::value && !ConvertsItself<T>;
template <class T>
concept DescribedEnum = json::is_described_enum<T>::value && !ConvertsItself<T>;
template <class T>
concept MapOfState = json::is_map_like<T>::value && !JsonItself<T> && !ConvertsItself<T>;
template <class T>
concept ListOfState =
    json::is_sequence_like<T>::value && !json::is_map_like<T>::value && !json::is_tuple_like<T>::value &&
    !json::is_string_like<T>::value && !JsonItself<T> && !ConvertsItself<T> && requires { typename T::value_type; };

template <class T>
using MembersOf = boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;

/// Whether anything in `T` is described. What is not, Boost.JSON converts alone.
template <class T>
consteval bool is_described() {
  if constexpr (DescribedStruct<T> || DescribedEnum<T>) {
    return true;
  } else if constexpr (MapOfState<T>) {
    return is_described<typename T::mapped_type>();
  } else if constexpr (is_optional<T> || ListOfState<T>) {
    return is_described<typename T::value_type>();
  } else {
    return false;
  }
}

template <class T>
constexpr std::string_view wanted_kind() {
  if constexpr (std::is_same_v<T, bool>) {
    return "true or false";
  } else if constexpr (std::is_integral_v<T>) {
    return "a whole number";
  } else if constexpr (std::is_floating_point_v<T>) {
    return "a number";
  } else if constexpr (json::is_string_like<T>::value) {
    return "a text";
  } else if constexpr (json::is_map_like<T>::value) {
    return "an object";
  } else if constexpr (json::is_sequence_like<T>::value || json::is_tuple_like<T>::value) {
    return "a list";
  } else {
    return "something else";
  }
}

template <class T>
T read_plain(const json::value& stored) {
  try {
    return json::value_to<T>(stored);
  } catch (const system_error& e) {
    throw_mismatch(stored, wanted_kind<T>(), e.code().message());
  } catch (const std::exception& e) {
    throw_mismatch(stored, wanted_kind<T>(), e.what());
  }
}

template <class T>
T read_state(const json::value& stored);

/// Members that are absent keep what the type's own initialisers give them; those that are unknown are passed over.
template <DescribedStruct T>
T read_struct(const json::value& stored) {
  const auto* object = stored.if_object();
  if (object == nullptr) {
    throw_mismatch(stored, "an object");
  }
  T value{};
  boost::mp11::mp_for_each<MembersOf<T>>([&](auto member) {
    using Member = std::remove_cvref_t<decltype(value.*decltype(member)::pointer)>;
    const auto* found = object->if_contains(member.name);
    if (found == nullptr) {
      return;
    }
    try {
      value.*member.pointer = read_state<Member>(*found);
    } catch (StateMismatch& mismatch) {
      mismatch.in_member(member.name);
      throw;
    }
  });
  return value;
}

/// By name, or by number where the value has no name: so it is written.
template <DescribedEnum T>
T read_enum(const json::value& stored) {
  if (stored.is_number()) {
    return static_cast<T>(read_plain<std::underlying_type_t<T>>(stored));
  }
  const auto* text = stored.if_string();
  if (text == nullptr) {
    throw_mismatch(stored, "a name");
  }
  T value{};
  if (!boost::describe::enum_from_string(text->c_str(), value)) {
    std::vector<std::string_view> known;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto one) { known.push_back(one.name); });
    throw_unknown_enumerator(*text, known);
  }
  return value;
}

template <MapOfState T>
T read_map(const json::value& stored) {
  const auto* object = stored.if_object();
  if (object == nullptr) {
    throw_mismatch(stored, "an object");
  }
  T values;
  for (const auto& [name, value] : *object) {
    try {
      values.emplace(typename T::key_type(name), read_state<typename T::mapped_type>(value));
    } catch (StateMismatch& mismatch) {
      mismatch.in_member(name);
      throw;
    }
  }
  return values;
}

template <ListOfState T>
T read_list(const json::value& stored) {
  const auto* array = stored.if_array();
  if (array == nullptr) {
    throw_mismatch(stored, "a list");
  }
  T values;
  auto into = std::inserter(values, values.end());
  for (std::size_t i = 0; i < array->size(); ++i) {
    try {
      *into++ = read_state<typename T::value_type>((*array)[i]);
    } catch (StateMismatch& mismatch) {
      mismatch.in_element(i);
      throw;
    }
  }
  return values;
}

/// A value as it is stored, as a `T`.
/// Errors: `StateMismatch`.
template <class T>
T read_state(const json::value& stored) {
  if constexpr (!is_described<T>()) {
    return read_plain<T>(stored);
  } else if constexpr (is_optional<T>) {
    return stored.is_null() ? T() : T(read_state<typename T::value_type>(stored));
  } else if constexpr (DescribedStruct<T>) {
    return read_struct<T>(stored);
  } else if constexpr (DescribedEnum<T>) {
    return read_enum<T>(stored);
  } else if constexpr (MapOfState<T>) {
    return read_map<T>(stored);
  } else {
    return read_list<T>(stored);
  }
}

}  // namespace tern::detail

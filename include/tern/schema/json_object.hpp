#pragma once

#include <tern/schema/json_arena.hpp>
#include <tern/schema/json_pool.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern {

namespace json = boost::json;

/// What all types of the schema share: a JSON object with typed access to the members the protocol names.
///
/// Members that the protocol does not name are kept, and survive a round trip in place. A member of the wrong
/// type reads as absent and is kept as it came. Values: copies are independent.
class JsonObject {
 public:
  JsonObject() noexcept : fields_(detail::json_pool()) {}
  explicit JsonObject(json::object fields) noexcept : fields_(std::move(fields)) {}
  JsonObject(const JsonObject& other) : fields_(other.fields_, detail::json_pool()) {}
  JsonObject(JsonObject&& other) noexcept : arena_(std::move(other.arena_)), fields_(std::move(other.fields_)) {
    other.reset();
  }
  JsonObject& operator=(const JsonObject& other);
  JsonObject& operator=(JsonObject&& other) noexcept;
  ~JsonObject() = default;

  /// The whole object, for members that have no accessor.
  const json::object& json() const& noexcept { return fields_; }
  json::object& json() & {
    leave_arena();
    return fields_;
  }
  json::object json() && {
    leave_arena();
    return std::move(fields_);
  }

  bool empty() const noexcept { return fields_.empty(); }

  friend bool operator==(const JsonObject& a, const JsonObject& b) { return a.fields_ == b.fields_; }

 protected:
  /// With all its values in `arena`.
  JsonObject(json::object fields, detail::JsonArenaPtr arena) noexcept
      : arena_(std::move(arena)), fields_(std::move(fields)) {}

  /// The views that these return live until the member is changed.
  std::optional<std::string_view> string_at(std::string_view name) const noexcept;
  std::optional<bool> bool_at(std::string_view name) const noexcept;
  std::optional<std::int64_t> integer_at(std::string_view name) const noexcept;
  const json::object* object_at(std::string_view name) const noexcept;
  const json::array* array_at(std::string_view name) const noexcept;
  const json::value* value_at(std::string_view name) const noexcept;
  /// The `id` of the object `name`, without a copy of the object.
  std::optional<std::string_view> id_at(std::string_view name) const noexcept;

  template <class T>
  std::optional<T> typed_at(std::string_view name) const {
    const json::object* found = object_at(name);
    return found ? std::optional<T>(T(*found)) : std::nullopt;
  }

  /// The objects of the array `name`; what is no object in it is passed over.
  template <class T>
  std::vector<T> list_at(std::string_view name) const {
    std::vector<T> list;
    if (const json::array* found = array_at(name)) {
      list.reserve(found->size());
      for (const json::value& item : *found) {
        if (const json::object* object = item.if_object()) {
          list.push_back(T(*object));
        }
      }
    }
    return list;
  }
  /// The strings of the array `name`; what is no string in it is passed over.
  std::vector<std::string> strings_at(std::string_view name) const;

  /// Replaces the member in its place, or adds it at the end. The value may be a view into this object.
  void set(std::string_view name, std::string_view value);
  /// Takes `bool` alone: a literal would rather become a `bool` than a `string_view`.
  void set(std::string_view name, std::same_as<bool> auto value) { set(name, json::value(value)); }
  void set(std::string_view name, json::value value);
  void set_object(std::string_view name, JsonObject value);
  template <class T>
  void set_list(std::string_view name, std::vector<T> values) {
    json::array list;
    list.reserve(values.size());
    for (T& value : values) {
      list.emplace_back(std::move(value).json());
    }
    set(name, json::value(std::move(list)));
  }
  /// Adds to the array `name`, which is made when there is none.
  void append(std::string_view name, json::value value);
  /// Removes a member; the others keep their order.
  void erase(std::string_view name) noexcept { fields_.stable_erase(name); }

 private:
  void reset() noexcept;
  /// What may be moved out of an object must not live in its arena.
  void leave_arena() {
    if (arena_) {
      *this = JsonObject(*this);
    }
  }

  detail::JsonArenaPtr arena_;  // of an activity as it was parsed
  json::object fields_;
};

}  // namespace tern

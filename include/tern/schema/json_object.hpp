#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/storage_ptr.hpp>
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

namespace detail {
/// The memory of one parsed activity.
class JsonArena;
struct JsonArenaDeleter {
  void operator()(JsonArena* arena) const noexcept;
};
using JsonArenaPtr = std::unique_ptr<JsonArena, JsonArenaDeleter>;

/// The memory of activities and documents: small blocks, which the thread that frees them keeps for reuse. It lives as
/// long as the program. Thread safety: any thread.
json::storage_ptr json_pool() noexcept;
}  // namespace detail

/// The base of all types of the schema: a JSON object with typed access to the members that the protocol names.
///
/// Members that the protocol does not name are kept, and survive a round trip in place. A member of the wrong
/// type reads as absent and is kept as it came. Values: copies are independent.
class JsonObject {
 public:
  /// Without members.
  JsonObject() noexcept : fields_(detail::json_pool()) {}
  /// Takes `fields` as they are: nothing is checked.
  explicit JsonObject(json::object fields) noexcept : fields_(std::move(fields)) {}
  ///@{
  /// A copy is independent of the original. What was moved from is empty.
  JsonObject(const JsonObject& other) : fields_(other.fields_, detail::json_pool()) {}
  JsonObject(JsonObject&& other) noexcept : arena_(std::move(other.arena_)), fields_(std::move(other.fields_)) {
    other.reset();
  }
  JsonObject& operator=(const JsonObject& other);
  JsonObject& operator=(JsonObject&& other) noexcept;
  ///@}
  ~JsonObject() = default;

  ///@{
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
  ///@}

  /// Whether it has no member.
  bool empty() const noexcept { return fields_.empty(); }

  /// Equal JSON, whatever the order of the members.
  friend bool operator==(const JsonObject& a, const JsonObject& b) { return a.fields_ == b.fields_; }

 protected:
  /// With all its values in `arena`.
  JsonObject(json::object fields, detail::JsonArenaPtr arena) noexcept
      : arena_(std::move(arena)), fields_(std::move(fields)) {}

  ///@{
  /// The member `name`; nullopt or nullptr when it is absent or of another type. Views live until it is changed.
  std::optional<std::string_view> string_at(std::string_view name) const noexcept;
  std::optional<bool> bool_at(std::string_view name) const noexcept;
  std::optional<std::int64_t> integer_at(std::string_view name) const noexcept;
  const json::object* object_at(std::string_view name) const noexcept;
  const json::array* array_at(std::string_view name) const noexcept;
  const json::value* value_at(std::string_view name) const noexcept;
  ///@}
  /// The `id` of the object `name`, without a copy of the object.
  std::optional<std::string_view> id_at(std::string_view name) const noexcept;

  /// The object `name` as a `T`, a copy; nullopt when there is no such object.
  template <class T>
  std::optional<T> typed_at(std::string_view name) const {
    const json::object* found = object_at(name);
    return found ? std::optional<T>(T(*found)) : std::nullopt;
  }

  /// The objects of the array `name`. Elements that are no objects are left out.
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
  /// The strings of the array `name`. Elements that are no strings are left out.
  std::vector<std::string> strings_at(std::string_view name) const;

  /// Replaces the member in its place, or adds it at the end. The value may be a view into this object.
  void set(std::string_view name, std::string_view value);
  /// Takes `bool` alone: a literal would rather become a `bool` than a `string_view`.
  void set(std::string_view name, std::same_as<bool> auto value) { set(name, json::value(value)); }
  /// Replaces the member in its place, or adds it at the end.
  void set(std::string_view name, json::value value);
  /// Sets the member to this object.
  void set_object(std::string_view name, JsonObject value);
  /// Sets the member to an array of these objects.
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

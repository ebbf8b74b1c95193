#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tern {

namespace json = boost::json;

/// What all types of the schema share: a JSON object with typed access to the members the protocol names.
///
/// Members that the protocol does not name are kept, and survive a round trip in place. A member of the wrong
/// type reads as absent and is kept as it came. Values: copies are independent.
class JsonObject {
 public:
  JsonObject() = default;
  explicit JsonObject(json::object fields) noexcept : fields_(std::move(fields)) {}

  /// The whole object, for members that have no accessor.
  const json::object& json() const& noexcept { return fields_; }
  json::object& json() & noexcept { return fields_; }
  json::object&& json() && noexcept { return std::move(fields_); }

  bool empty() const noexcept { return fields_.empty(); }

  friend bool operator==(const JsonObject& a, const JsonObject& b) { return a.fields_ == b.fields_; }

 protected:
  /// The views that these return live until the member is changed.
  std::optional<std::string_view> string_at(std::string_view name) const noexcept;
  std::optional<bool> bool_at(std::string_view name) const noexcept;
  std::optional<std::int64_t> integer_at(std::string_view name) const noexcept;
  const json::object* object_at(std::string_view name) const noexcept;
  const json::array* array_at(std::string_view name) const noexcept;
  const json::value* value_at(std::string_view name) const noexcept;

  template <class T>
  std::optional<T> typed_at(std::string_view name) const {
    const json::object* found = object_at(name);
    return found ? std::optional<T>(T(*found)) : std::nullopt;
  }

  void set(std::string_view name, std::string_view value);
  void set(std::string_view name, bool value);
  void set(std::string_view name, json::value value);
  void erase(std::string_view name) noexcept { fields_.erase(name); }

 private:
  json::object fields_;
};

}  // namespace tern

#include <tern/schema/json_object.hpp>

#include "schema/find_member.hpp"

#include <cmath>

namespace tern {
namespace {

std::optional<std::string_view> string_in(const json::object& fields, std::string_view name) noexcept {
  const json::value* found = detail::find_member(fields, name);
  const json::string* text = found ? found->if_string() : nullptr;
  return text ? std::optional<std::string_view>(std::in_place, text->data(), text->size()) : std::nullopt;
}

}  // namespace

// The object is destroyed and made anew, because a json::object keeps its memory resource when it is assigned.
void JsonObject::reset() noexcept {
  std::destroy_at(&fields_);
  std::construct_at(&fields_, detail::json_pool());
}

JsonObject& JsonObject::operator=(const JsonObject& other) {
  return *this = JsonObject(other);
}

JsonObject& JsonObject::operator=(JsonObject&& other) noexcept {
  if (this != &other) {
    std::destroy_at(&fields_);
    arena_ = std::move(other.arena_);
    std::construct_at(&fields_, std::move(other.fields_));
    other.reset();
  }
  return *this;
}

std::optional<std::string_view> JsonObject::string_at(std::string_view name) const noexcept {
  return string_in(fields_, name);
}

std::optional<std::string_view> JsonObject::id_at(std::string_view name) const noexcept {
  const json::object* found = object_at(name);
  return found ? string_in(*found, "id") : std::nullopt;
}

std::optional<bool> JsonObject::bool_at(std::string_view name) const noexcept {
  const json::value* found = detail::find_member(fields_, name);
  const bool* flag = found ? found->if_bool() : nullptr;
  return flag ? std::optional<bool>(*flag) : std::nullopt;
}

std::optional<std::int64_t> JsonObject::integer_at(std::string_view name) const noexcept {
  const json::value* found = detail::find_member(fields_, name);
  if (!found) {
    return std::nullopt;
  }
  if (const std::int64_t* number = found->if_int64()) {
    return *number;
  }
  // JSON has one kind of number, so 1000.0 and 1e3 are integers too. The parser makes no uint64 of a number that fits
  // an int64, but a bot may build an activity with one.
  if (const std::uint64_t* number = found->if_uint64()) {
    return std::in_range<std::int64_t>(*number) ? std::optional(static_cast<std::int64_t>(*number)) : std::nullopt;
  }
  constexpr double limit = 9223372036854775808.0;
  const double* number = found->if_double();
  if (number && *number >= -limit && *number < limit && std::trunc(*number) == *number) {
    return static_cast<std::int64_t>(*number);
  }
  return std::nullopt;
}

const json::object* JsonObject::object_at(std::string_view name) const noexcept {
  const json::value* found = detail::find_member(fields_, name);
  return found ? found->if_object() : nullptr;
}

const json::array* JsonObject::array_at(std::string_view name) const noexcept {
  const json::value* found = detail::find_member(fields_, name);
  return found ? found->if_array() : nullptr;
}

const json::value* JsonObject::value_at(std::string_view name) const noexcept {
  return detail::find_member(fields_, name);
}

std::vector<std::string> JsonObject::strings_at(std::string_view name) const {
  std::vector<std::string> list;
  if (const json::array* found = array_at(name)) {
    list.reserve(found->size());
    for (const json::value& item : *found) {
      if (const json::string* text = item.if_string()) {
        list.emplace_back(text->data(), text->size());
      }
    }
  }
  return list;
}

void JsonObject::set(std::string_view name, std::string_view value) {
  // Such a place is the last member of each activity that is signed. Nothing moves that `value` could be a view into.
  if (auto* last = fields_.empty() ? nullptr : fields_.end() - 1;
      last && last->value().is_null() && last->key() == name) {
    last->value().emplace_string().assign(value);
    return;
  }
  // A copy is made first: `value` may be a view into this object, whose members move when it grows.
  set(name, json::value(value, fields_.storage()));
}

void JsonObject::set(std::string_view name, json::value value) {
  // `emplace` makes room for one more member before it searches. Where there is none, it would move all members.
  if (fields_.size() == fields_.capacity()) {
    if (json::value* found = fields_.if_contains(name)) {
      *found = std::move(value);
      return;
    }
  }
  const auto [member, added] = fields_.emplace(name, std::move(value));
  if (!added) {
    member->value() = std::move(value);  // NOLINT(bugprone-use-after-move): it is moved from only when it was added
  }
}

void JsonObject::set_object(std::string_view name, JsonObject value) {
  set(name, json::value(std::move(value.fields_)));
}

void JsonObject::append(std::string_view name, json::value value) {
  json::value& list = fields_[name];
  json::array& items = list.is_array() ? list.get_array() : list.emplace_array();
  items.push_back(std::move(value));
}

}  // namespace tern

#include "http/request.hpp"

#include "http/ascii.hpp"
#include "http/forwarded.hpp"

#include <utility>

namespace tern::http {

namespace {

constexpr std::size_t usual_fields = 16;

}  // namespace

std::optional<std::string_view> Request::header(std::string_view name) const noexcept {
  for (const Field& field : fields_) {
    if (field.name.size == name.size() && same_text(slice(field.name), name)) {
      return slice(field.value);
    }
  }
  return std::nullopt;
}

std::optional<std::string_view> Request::only_header(std::string_view name) const noexcept {
  std::optional<std::string_view> found;
  for (const Field& field : fields_) {
    if (field.name.size == name.size() && same_text(slice(field.name), name)) {
      if (found) {
        return std::nullopt;
      }
      found = slice(field.value);
    }
  }
  return found;
}

std::string_view Request::peer() const noexcept {
  if (peer_.empty()) {
    Hop client = hop_;
    if (proxies_ != nullptr && proxies_->trusts(hop_)) {
      const std::string forwarded = all_values("forwarded");
      const std::string x_forwarded_for = all_values("x-forwarded-for");
      client = client_of(hop_, {forwarded, x_forwarded_for}, *proxies_);
    }
    peer_ = client ? unmapped(*client).to_string() : "unix";
  }
  return peer_;
}

std::string Request::all_values(std::string_view name) const {
  std::string values;
  for (const Field& field : fields_) {
    if (field.name.size == name.size() && same_text(slice(field.name), name)) {
      values.append(values.empty() ? "" : ",").append(slice(field.value));
    }
  }
  return values;
}

void Request::set_line(Method method, const Target& target) {
  method_ = method;
  path_ = store(target.path);
  query_ = store(target.query);
}

void Request::add_field(std::string_view name, std::string_view value) {
  if (fields_.capacity() == 0) {
    fields_.reserve(usual_fields);
  }
  const Slice stored_name = store(name);
  const Slice stored_value = store(value);
  fields_.push_back({stored_name, stored_value});
}

Request::Slice Request::store(std::string_view text) {
  const Slice s{static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(text.size())};
  text_.append(text);
  return s;
}

void Request::clear() noexcept {
  if (body_.capacity() > usual_body) {  // a swap frees the memory; assigning an empty string would keep it
    std::string().swap(body_);
  }
  text_.clear();
  fields_.clear();
  body_.clear();
  path_ = query_ = Slice{};
  method_ = Method::other;
  if (proxies_ != nullptr) {
    peer_.clear();  // a proxy sends the requests of many clients
  }
}

void Request::release() noexcept {
  clear();
  std::string().swap(text_);
  fields_ = std::vector<Field>();
  std::string().swap(body_);
}

}  // namespace tern::http

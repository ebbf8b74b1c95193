#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern {

/// The headers of a request or of an answer, in their order. A name may be there several times; the case of its letters
/// does not matter.
class HttpHeaders {
 public:
  /// A name and a value.
  using Header = std::pair<std::string, std::string>;

  /// No headers.
  HttpHeaders() = default;
  /// These headers, such as `{{"Accept", "application/json"}}`.
  HttpHeaders(std::initializer_list<Header> headers) : all_(headers) {}
  /// These headers.
  explicit HttpHeaders(std::vector<Header> headers) noexcept : all_(std::move(headers)) {}

  /// The value of the first header with this name; nullopt when there is none.
  /// Lifetime: the view is valid until the headers change.
  std::optional<std::string_view> find(std::string_view name) const noexcept;
  /// Adds a header behind the others.
  HttpHeaders& add(std::string name, std::string value);
  /// Removes all headers with this name.
  void remove(std::string_view name) noexcept;

  /// All of them.
  const std::vector<Header>& all() const noexcept { return all_; }

 private:
  std::vector<Header> all_;
};

}  // namespace tern

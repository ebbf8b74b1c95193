#include <tern/http/http_headers.hpp>

#include "http_client/request_text.hpp"

#include <algorithm>

namespace tern {

std::optional<std::string_view> HttpHeaders::find(std::string_view name) const noexcept {
  const auto found = std::find_if(all_.begin(), all_.end(),
                                  [name](const Header& header) { return http_client::same_name(header.first, name); });
  return found == all_.end() ? std::nullopt : std::optional<std::string_view>(found->second);
}

HttpHeaders& HttpHeaders::add(std::string name, std::string value) {
  all_.emplace_back(std::move(name), std::move(value));
  return *this;
}

void HttpHeaders::remove(std::string_view name) noexcept {
  std::erase_if(all_, [name](const Header& header) { return http_client::same_name(header.first, name); });
}

}  // namespace tern

#include "direct_line/account.hpp"

#include "direct_line/refusal.hpp"
#include "http/ascii.hpp"
#include "storage/storable_text.hpp"

#include <algorithm>
#include <cstddef>

namespace tern::direct_line {

namespace {

constexpr std::size_t longest_account_text = 256;

bool is_account_text(std::string_view text) {
  return text.size() <= longest_account_text && tern::detail::is_storable_text(text) &&
         std::none_of(text.begin(), text.end(), [](char c) { return http::is_control(c) || c == '\t'; });
}

std::string account_text(const json::object& account, std::string_view member) {
  const auto* value = account.if_contains(member);
  if (value == nullptr || value->is_null()) {
    return {};
  }
  if (!value->is_string() || !is_account_text(value->get_string())) {
    refuse_argument("The " + std::string(member) + " of the user must be a text of UTF-8 of at most 256 bytes.");
  }
  return std::string(value->get_string());
}

}  // namespace

Account account_in(const json::object& fields, std::string_view name) {
  const auto* value = fields.if_contains(name);
  if (value == nullptr || value->is_null()) {
    return {};
  }
  const auto* account = value->if_object();
  if (account == nullptr) {
    refuse_argument(std::string(name) + " must be an object with an id.");
  }
  return {account_text(*account, "id"), account_text(*account, "name")};
}

void check_user_id(std::string_view id) {
  if (!is_account_text(id)) {
    refuse_argument("The id of the user must be a text of UTF-8 of at most 256 bytes.");
  }
}

bool is_reserved(std::string_view user_id) noexcept {
  return user_id.starts_with("dl_");
}

}  // namespace tern::direct_line

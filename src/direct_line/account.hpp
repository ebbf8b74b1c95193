#pragma once

#include <tern/schema/json_object.hpp>

#include <string>
#include <string_view>

namespace tern::direct_line {

/// A user, as a client names it.
struct Account {
  std::string id;    ///< "" when the client names none
  std::string name;  ///< likewise
};

/// The account that is the member `name`. Errors: `Refusal` with 400 when it is no account, or when its id or name is
/// too long, is no UTF-8 or has control characters.
Account account_in(const json::object& fields, std::string_view name);

/// Checks an id of a user. Errors: as above.
void check_user_id(std::string_view id);

/// Whether only a token may give this id: it begins with `dl_`.
bool is_reserved(std::string_view user_id) noexcept;

}  // namespace tern::direct_line

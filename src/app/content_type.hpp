#pragma once

#include <string_view>

namespace tern::app {

/// True for `application/json`, without a charset or with UTF-8. Case does not matter, and other parameters are
/// ignored.
bool is_json_content_type(std::string_view header) noexcept;

}  // namespace tern::app

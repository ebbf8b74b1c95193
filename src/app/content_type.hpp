#pragma once

#include <string_view>

namespace tern::app {

/// True for `application/json`, alone or with the charset UTF-8; case does not matter. Other parameters are ignored.
bool is_json_content_type(std::string_view header) noexcept;

}  // namespace tern::app

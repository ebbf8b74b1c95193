#pragma once

#include <string_view>

namespace tern::detail::pg {

/// Whether a text can be stored: UTF-8 as PostgreSQL accepts it, without NUL.
bool is_storable_text(std::string_view text) noexcept;

}  // namespace tern::detail::pg

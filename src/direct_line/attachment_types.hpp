#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tern::direct_line {

/// The type of a file as it is kept: one of a list of types that a browser shows without running anything, and files
/// that it saves. nullopt for every other type, such as `text/html`, `image/svg+xml` or a script. Parameters are left
/// out; "" counts as `application/octet-stream`.
std::optional<std::string_view> attachment_type(std::string_view content_type);

/// Whether a browser may show a file of this type, rather than save it.
bool is_shown(std::string_view kept_type) noexcept;

/// The name of a file as it is kept: without folders and control characters, at most 128 bytes, "file" if nothing is
/// left.
std::string attachment_name(std::string_view given);

/// A text in which every byte but letters, digits, `-`, `.`, `_` and `~` is percent-encoded.
std::string percent_encoded(std::string_view text);

}  // namespace tern::direct_line

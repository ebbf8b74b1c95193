#pragma once

#include <string>
#include <string_view>

namespace tern::app {

/// What a person has typed, to be repeated in a message: cut where the address of a database may begin, for it may hold
/// a password. That is behind `://`, behind `password=`, and at a word with an `@`.
std::string without_secrets(std::string_view text);

/// The address of a database without what a password may stand in.
std::string without_password(const std::string& url);

}  // namespace tern::app

#pragma once

#include <string>
#include <string_view>

namespace tern::app {

/// A text that a person has typed, for a message. It is cut where a secret may begin: behind `://`, behind `password=`
/// and `secret=`, behind `-----BEGIN` (a key in PEM), and at a word with an `@`. The address of a database may contain
/// a password.
std::string without_secrets(std::string_view text);

/// The address of a database without its password.
std::string without_password(const std::string& url);

}  // namespace tern::app

#pragma once

#include <string>

namespace tern::auth {

/// The content of a file of at most 64 KiB. It blocks.
/// Errors: `errc::invalid_argument`. The message has `key`, which the file's name is called in the configuration, and
///   why it cannot be read. It has the name only when that looks like one: somebody may have written the secret there.
std::string read_secret_file(const std::string& key, const std::string& file);

/// The same, without the blanks and line ends around it.
/// Errors: as above, and when nothing is left.
std::string read_secret_line(const std::string& key, const std::string& file);

}  // namespace tern::auth

#pragma once

#include <string>
#include <string_view>

namespace tern::app {

class KeyTable;

/// The part of a misplaced word of the command line that a message may repeat: an option, a key, or a name that is
/// similar to a key, without the text behind it. Everything else may be a secret, and becomes `***`.
std::string typed_name(const KeyTable& keys, std::string_view word);

}  // namespace tern::app

#pragma once

#include <string>
#include <string_view>

namespace tern::app {

class KeyTable;

/// What may be repeated of a word of the command line that makes no sense there: an option or a key, or what is nearly
/// a key, without what follows it. All else may be a secret, and becomes `***`.
std::string typed_name(const KeyTable& keys, std::string_view word);

}  // namespace tern::app

#include "schema/version.hpp"

namespace tern {

const char* const version = TERN_VERSION;

}  // namespace tern

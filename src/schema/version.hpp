#pragma once

namespace tern {

/// The version of Tern, such as "1.2.3". The root's CMakeLists.txt sets it in `project()`.
extern const char* const version;

}  // namespace tern

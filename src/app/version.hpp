#pragma once

namespace tern::app {

inline constexpr const char* version = "0.1.0";

}  // namespace tern::app

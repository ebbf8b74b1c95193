#pragma once

#include <boost/json/object.hpp>

#include <string>

namespace tern::app {

/// Reads the file of `--config`, at most 1 MiB.
/// Errors: `ConfigError` when it cannot be read, is too large, or holds no JSON object; where it breaks off by line and
/// column.
boost::json::object read_config_file(const std::string& path);

}  // namespace tern::app

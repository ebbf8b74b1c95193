#pragma once

#include <boost/json/object.hpp>

#include <string>

namespace tern::app {

/// Reads the file of `--config`, at most 1 MiB.
/// Errors: `ConfigError` when the file cannot be read, is too large, or has no JSON object. The message names the line
/// and the column of the error.
boost::json::object read_config_file(const std::string& path);

}  // namespace tern::app

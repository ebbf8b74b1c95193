#pragma once

#include <stdexcept>

namespace tern::tools {

/// An error for the user of a tool: what was wrong, where, and what to do. Ends the tool with status 1.
class ToolError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A command line that makes no sense. Ends the tool with status 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace tern::tools

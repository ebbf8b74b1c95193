#pragma once

#include <string>
#include <string_view>

namespace CLI {  // NOLINT(readability-identifier-naming)
class App;
class ParseError;
}  // namespace CLI

namespace tern::tools {

/// Runs a tool to its exit status. An exception of `run`, and a failure to write to standard output, is reported on
/// standard error with status 1. A `UsageError` is status 2.
int run_tool(std::string_view name, int (*run)(int argc, char** argv), int argc, char** argv) noexcept;

/// Treats a command line that CLI11 could not use: prints the answer to `--help` and `--version`.
/// Errors: `UsageError` for what makes no sense, without the address of a database that may stand in it.
void print_help(const CLI::App& parser, const CLI::ParseError& error, std::string_view name);

}  // namespace tern::tools

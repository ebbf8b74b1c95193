#pragma once

#include <string>
#include <string_view>

namespace CLI {  // NOLINT(readability-identifier-naming)
class App;
class ParseError;
}  // namespace CLI

namespace tern::tools {

/// Runs a tool to its exit status. What leaves `run` is said on standard error, and so is that standard output could
/// not be written: 1. A `UsageError` is 2.
int run_tool(std::string_view name, int (*run)(int argc, char** argv), int argc, char** argv) noexcept;

/// What to do about a command line that CLI11 could not use: prints what was asked for (`--help`, `--version`).
/// Errors: `UsageError` for what makes no sense, without the address of a database that may stand in it.
void print_help(const CLI::App& parser, const CLI::ParseError& error, std::string_view name);

}  // namespace tern::tools

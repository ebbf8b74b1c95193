#include "tools/storage/tool_main.hpp"

#include "app/without_secrets.hpp"
#include "tools/storage/tool_error.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <iostream>

namespace tern::tools {

namespace {

constexpr int failed = 1;
constexpr int misused = 2;

void say(std::string_view name, std::string_view what) noexcept {
  std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(name.size()), name.data(), static_cast<int>(what.size()),
               what.data());
}

// Of C's and of C++'s streams: tools use both.
bool is_output_written() {
  std::cout.flush();
  const bool flushed = std::fflush(stdout) == 0;
  return flushed && std::cout.good() && std::ferror(stdout) == 0;
}

}  // namespace

int run_tool(std::string_view name, int (*run)(int argc, char** argv), int argc, char** argv) noexcept {
  try {
    const int status = run(argc, argv);
    if (is_output_written()) {
      return status;
    }
    say(name, "Standard output could not be written.");
  } catch (const UsageError& e) {
    say(name, e.what());
    return misused;
  } catch (const std::exception& e) {
    say(name, e.what());
  } catch (...) {
    say(name, "It ends: an exception that is no std::exception was thrown.");
  }
  return failed;
}

void print_help(const CLI::App& parser, const CLI::ParseError& error, std::string_view name) {
  if (error.get_exit_code() == 0) {
    (void)parser.exit(error);
    return;
  }
  const auto said = app::without_secrets(error.what());
  throw UsageError(said + (said.ends_with('.') ? "" : ".") + " See " + std::string(name) + " --help.");
}

}  // namespace tern::tools

#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace tern::test {

/// A case of JSONTestSuite, under its name there. `y_` is JSON, `n_` is not, and `i_` is left to the parser.
/// Source: github.com/nst/JSONTestSuite, folder test_parsing.
struct JsonCase {
  const char* name;
  std::string_view text;
  std::string_view expected;    ///< an accepted text as Tern writes it; the error's code for a refused one
  std::size_t times = 1;        ///< how often `text` is repeated
  std::string_view after = {};  ///< stands behind it
  std::size_t after_times = 1;  ///< how often `after` is repeated
};

/// What Tern accepts: all of `y_`, and some of `i_`.
std::span<const JsonCase> accepted_json_cases();

/// What Tern refuses: all of `n_`, and the rest of `i_`.
std::span<const JsonCase> refused_json_cases();

}  // namespace tern::test

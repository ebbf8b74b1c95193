#pragma once

#include <source_location>
#include <stdexcept>
#include <string>
#include <vector>

namespace tern::test {

/// What came is not what a test expected. `what()` begins with the file and the line of the expectation and shows both
/// side by side, so that any test framework that prints an exception prints the difference.
class Mismatch : public std::runtime_error {
 public:
  Mismatch(const std::string& problem, const std::source_location& where);
};

/// Both lists as one text, a line each: `  ` before what is in both, `- ` before what was expected and did not come,
/// `+ ` before what came and was not expected.
std::string difference(const std::vector<std::string>& expected, const std::vector<std::string>& came);

}  // namespace tern::test

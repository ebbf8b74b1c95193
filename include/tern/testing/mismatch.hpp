#pragma once

#include <source_location>
#include <stdexcept>
#include <string>
#include <vector>

namespace tern::test {

/// An expectation of a test that did not hold. `what()` begins with the file and the line of the expectation and shows
/// the difference, so that every test framework that prints exceptions prints it.
class Mismatch : public std::runtime_error {
 public:
  /// `problem`: what did not hold.
  Mismatch(const std::string& problem, const std::source_location& where);
};

/// Both lists as one text, a line for each element. A line begins with two spaces when the element is in both lists,
/// with
/// `- ` when it was expected and did not come, and with `+ ` when it came and was not expected.
std::string difference(const std::vector<std::string>& expected, const std::vector<std::string>& came);

}  // namespace tern::test

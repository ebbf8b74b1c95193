#include "app/config_keys.hpp"

#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace tern::app {
namespace {

std::string text_of(const char* name) {
  std::ifstream file(std::string(TERN_DOCS) + name);
  EXPECT_TRUE(file) << "docs" << name << " is missing";
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// What comes of reaching it.
TEST(Documentation, HasEveryLimitOnItsPage) {
  const auto text = text_of("/limits.md");
  std::string bounds;  // the first column
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("| ")) {
      bounds += line.substr(0, line.find(" |", 1)) + '\n';
    }
  }
  for (const auto& key : config_keys()) {
    if (key.name().starts_with("limits.")) {
      EXPECT_NE(bounds.find('`' + key.name() + '`'), std::string::npos) << "docs/limits.md lacks " << key.name();
    }
  }
}

TEST(Documentation, ListsEveryKeyWithItsDefaultAndWhatIsAllowed) {
  const auto text = text_of("/configuration.md");
  for (const auto& key : config_keys()) {
    const auto row = "| `" + key.name() + "` | `" + json::serialize(key.read(Settings())) + "` | " + key.allowed() +
                     " | " + key.help() + " |";
    EXPECT_NE(text.find(row), std::string::npos) << "docs/configuration.md lacks the row\n" << row;
  }
}

}  // namespace
}  // namespace tern::app

#include "app/config_keys.hpp"

#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace tern::app {
namespace {

TEST(Documentation, ListsEveryKeyWithItsDefaultAndWhatIsAllowed) {
  std::ifstream file(std::string(TERN_DOCS) + "/configuration.md");
  ASSERT_TRUE(file) << "docs/configuration.md is missing";
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  for (const auto& key : config_keys()) {
    const auto row = "| `" + key.name() + "` | `" + json::serialize(key.read(Settings())) + "` | " + key.allowed() +
                     " | " + key.help() + " |";
    EXPECT_NE(text.find(row), std::string::npos) << "docs/configuration.md lacks the row\n" << row;
  }
}

}  // namespace
}  // namespace tern::app

#include "app/config_keys.hpp"
#include "app/stop_watchdog.hpp"
#include "support/temporary_folder.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
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

std::set<std::string> groups_of_keys() {
  std::set<std::string> groups;
  for (const auto& key : config_keys()) {
    groups.insert(key.name().substr(0, key.name().find('.')));
  }
  return groups;
}

// A page names keys as `listen.port`, `listen.port=1`, --set listen.port=1 and TERN_LISTEN_PORT.
TEST(Documentation, NamesNoKeyThatDoesNotExist) {
  std::set<std::string> known;
  for (const auto& key : config_keys()) {
    known.insert(key.name());
    known.insert(key.variable());
  }
  const auto groups = groups_of_keys();
  const std::regex name("TERN_[A-Z]+_[A-Z_]+[A-Z]|(?:`|--set )([a-z_]+)\\.[a-z_]+(?=[`=])");
  for (const auto* page : {"/production.md", "/azure.md", "/security.md"}) {
    const auto text = text_of(page);
    for (std::sregex_iterator found(text.begin(), text.end(), name), end; found != end; ++found) {
      const auto word = found->str();
      const auto key = word.substr(word.starts_with("TERN_") ? 0 : word.find_first_of("` ") + 1);
      const bool is_key = word.starts_with("TERN_") || groups.contains((*found)[1].str());
      EXPECT_TRUE(!is_key || known.contains(key)) << "docs" << page << " names " << key;
    }
  }
}

// Each block of JSON that configures a bot is read as one.
TEST(Documentation, ShowsConfigurationsThatABotTakes) {
  const std::regex block("```json\n(\\{[^`]*)```");
  const std::regex id("(APP|CLIENT|TENANT)_ID");
  const auto groups = groups_of_keys();
  const test::TemporaryFolder folder;
  const auto file = (folder.path() / "bot.json").string();
  std::ofstream(file) << "{}";
  std::size_t read = 0;
  for (const auto* page : {"/production.md", "/azure.md", "/configuration.md"}) {
    const auto text = text_of(page);
    for (std::sregex_iterator found(text.begin(), text.end(), block), end; found != end; ++found) {
      auto shown = std::regex_replace((*found)[1].str(), id, "b0700000-0000-4000-8000-000000000001");
      shown = std::regex_replace(shown, std::regex("/etc/bot/authority.pem"), file);  // the one that must be there
      const auto whole = json::parse(shown);
      if (!groups.contains(std::string(whole.as_object().begin()->key()))) {
        continue;  // such as an OpenID document
      }
      std::ofstream(file) << shown;
      const char* words[] = {"bot", "--config", file.c_str()};
      EXPECT_NO_THROW(load_config(3, words, {}, {}, {}, false)) << "docs" << page << " shows\n" << shown;
      ++read;
    }
  }
  EXPECT_GE(read, 3U);
}

// The unit of systemd gives the bot the time that it takes for itself.
TEST(Documentation, HasAUnitThatLetsTheBotEnd) {
  const auto text = text_of("/production.md");
  std::smatch found;
  ASSERT_TRUE(std::regex_search(text, found, std::regex("TimeoutStopSec=([0-9]+)\n")));
  const Settings settings;
  EXPECT_GT(std::chrono::seconds(std::stoi(found[1].str())),
            settings.drain.delay + settings.drain.deadline + stop_grace);
}

}  // namespace
}  // namespace tern::app

#include <tern/app/config.hpp>
#include <tern/app/own_keys.hpp>
#include <tern/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace tern {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class OwnKeysTest : public ::testing::Test {
 protected:
  OwnKeysTest() {
    keys_.text("shop.greeting", greeting_, "What the bot says first.");
    keys_.number("shop.most_orders", most_orders_, 1, 100, "Orders of one user, at most.");
    keys_.flag("shop.open", open_, "Whether it sells.");
    keys_.duration("shop.patience", patience_, 1s, 1h, "How long it waits.");
    keys_.choice("shop.size", size_, {"small", "large"}, "What it pours.");
    keys_.secret("shop.api_key", api_key_, "For the warehouse.");
  }

  CommandLine load(std::vector<const char*> arguments, const Environment& environment = {},
                   const ConfigDefaults& defaults = {}) {
    arguments.insert(arguments.begin(), "bot");
    return load_config(static_cast<int>(arguments.size()), arguments.data(), defaults, environment, keys_);
  }
  std::string refusal(std::vector<const char*> arguments, const Environment& environment = {}) {
    try {
      load(std::move(arguments), environment);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "no error";
  }

  std::string greeting_ = "Hello";
  std::uint16_t most_orders_ = 10;
  bool open_ = true;
  std::chrono::milliseconds patience_ = 5s;
  std::string size_ = "small";
  std::string api_key_;
  OwnKeys keys_;
};

TEST_F(OwnKeysTest, ComeFromAllPlacesTheLaterOnesWin) {
  load({"--set", "shop.most_orders=3", "--set", "shop.patience=2m"},
       {{"TERN_SHOP_MOST_ORDERS", "7"}, {"TERN_SHOP_OPEN", "off"}, {"TERN_SHOP_SIZE", "large"}},
       {{"shop.greeting", "Ahoy"}, {"shop.open", true}});
  EXPECT_EQ(greeting_, "Ahoy");
  EXPECT_EQ(most_orders_, 3);
  EXPECT_FALSE(open_);
  EXPECT_EQ(patience_, 2min);
  EXPECT_EQ(size_, "large");
}

TEST_F(OwnKeysTest, KeepTheirDefaultsAndLeaveTernsAlone) {
  const auto command = load({"--set", "listen.port=4000"});
  EXPECT_EQ(command.settings.listen.port, 4000);
  EXPECT_EQ(greeting_, "Hello");
  EXPECT_THAT(command.warnings, IsEmpty());
}

TEST_F(OwnKeysTest, StandInHelpAndInThePrintedConfiguration) {
  EXPECT_THAT(
      load({"--help"}).text,
      AllOf(HasSubstr("  shop.most_orders\n      Orders of one user, at most.\n      Allowed: a whole number from "
                      "1 to 100. Default: 10\n"),
            HasSubstr("Default: \"small\""), HasSubstr("Allowed: small, large")));
  const auto printed = load({"--print-config", "--set", "shop.api_key=hunter2"}).text;
  EXPECT_THAT(printed, AllOf(HasSubstr("\"shop.patience\": \"5s\""), HasSubstr("\"shop.api_key\": \"***\""),
                             HasSubstr("\"listen.port\": 3978"), Not(HasSubstr("hunter2"))));
}

TEST_F(OwnKeysTest, AreHeldToWhatIsAllowed) {
  EXPECT_THAT(refusal({"--set", "shop.most_orders=0"}),
              AllOf(HasSubstr("shop.most_orders (--set) is \"0\""), HasSubstr("from 1 to 100")));
  EXPECT_THAT(refusal({}, {{"TERN_SHOP_PATIENCE", "2h"}}), HasSubstr("a time from 1s to 1h"));
  EXPECT_THAT(refusal({"--set", "shop.size=huge"}), HasSubstr("allowed is small, large"));
  EXPECT_THAT(refusal({"--set", "shop.open=perhaps"}), HasSubstr("true or false"));
}

TEST_F(OwnKeysTest, AreHintedAtBySlipsOfTheFinger) {
  EXPECT_THAT(refusal({"--set", "shop.greting=Hi"}), HasSubstr("Did you mean shop.greeting?"));
  EXPECT_THAT(load({}, {{"TERN_SHOP_OPNE", "off"}}).warnings, ElementsAre(HasSubstr("Did you mean TERN_SHOP_OPEN?")));
  EXPECT_THAT(refusal({"shop.greeting"}), HasSubstr("shop.greeting"));
  EXPECT_THAT(refusal({"shop.api_keyhunter2"}), Not(HasSubstr("hunter2")));
}

error_code refusal_of(const std::function<void(OwnKeys&)>& declare) {
  OwnKeys keys;
  try {
    declare(keys);
  } catch (const system_error& e) {
    return e.code();
  }
  return {};
}

TEST(OwnKeys, AreRefusedWhenTheirNamesAreWrong) {
  std::string text;
  for (const auto* name : {"", "shop", "Shop.x", "shop.", ".x", "shop..x", "shop.x y", "listen.port", "limits.mine",
                           "test.x", "build.x", "shop.x-y"}) {
    EXPECT_EQ(refusal_of([&](OwnKeys& keys) { keys.text(name, text, "x"); }), errc::invalid_argument) << name;
  }
  EXPECT_EQ(refusal_of([&](OwnKeys& keys) { keys.text("shop.a", text, "x").secret("shop.a", text, "x"); }),
            errc::invalid_argument);
  EXPECT_EQ(refusal_of([&](OwnKeys& keys) { keys.text("shop.a_b", text, "x").text("shop.a.b", text, "x"); }),
            errc::invalid_argument)
      << "one variable for both";
}

TEST(OwnKeys, AreRefusedWhenTheirDefaultsAre) {
  std::uint32_t number = 0;
  std::string word = "huge";
  std::chrono::milliseconds duration = 0ms;
  EXPECT_EQ(refusal_of([&](OwnKeys& keys) { keys.number("shop.n", number, 1, 2, "x"); }), errc::invalid_argument);
  EXPECT_EQ(refusal_of([&](OwnKeys& keys) { keys.choice("shop.w", word, {"small"}, "x"); }), errc::invalid_argument);
  EXPECT_EQ(refusal_of([&](OwnKeys& keys) { keys.duration("shop.d", duration, 1ms, 2ms, "x"); }),
            errc::invalid_argument);
}

}  // namespace
}  // namespace tern

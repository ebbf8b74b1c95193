#include "proactive/limits/send_shares.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tern::proactive {
namespace {

using namespace std::chrono_literals;
const SteadyTime start{std::chrono::hours(1)};

std::string host(std::string_view service_url) {
  std::string name = "of before";
  host_of(service_url, name);
  return name;
}

TEST(SendShares, AHostIsSchemeNameAndPort) {
  EXPECT_EQ(host("https://Smba.Example.com/emea/"), "https://smba.example.com:443");
  EXPECT_EQ(host("http://localhost:3978/v3?a=b"), "http://localhost:3978");
  EXPECT_EQ(host("HTTP://LOCALHOST"), "http://localhost:80");
  EXPECT_EQ(host("http://[::1]/x"), "http://[::1]:80");
  EXPECT_EQ(host("http://[::1]:81/x"), "http://[::1]:81");
  EXPECT_EQ(host("no url"), "no url");
  EXPECT_EQ(host(""), "");
}

TEST(SendShares, TheHostOfAChannelInTheProcessIsItsAddress) {
  EXPECT_EQ(host("urn:tern:direct-line"), "urn:tern:direct-line");
  EXPECT_EQ(host("urn:my-company:sms:germany"), "urn:my-company:sms:germany");
}

TEST(SendShares, NumbersStandForWholeNamesAndAreNotToBeGuessed) {
  SendShares shares(256);
  SendShares other(256);
  const auto number = shares.number_of("http://a.example/x");
  EXPECT_EQ(shares.number_of("http://A.example:80/y"), number);
  EXPECT_NE(shares.number_of("http://b.example/x"), number);
  EXPECT_NE(shares.number_of("https://a.example/x"), number);
  EXPECT_NE(other.number_of("http://a.example/x"), number);
  EXPECT_EQ(shares.name_of(number), "http://a.example:80");
}

TEST(SendShares, NamesOfForgottenHostsAreForgotten) {
  SendShares shares(256);
  SendScope known;
  known.host = shares.number_of("http://known.example");
  (void)shares.ask(known, start);
  SendScope scope;
  for (int i = 0; i < 10'000; ++i) {
    scope.host = shares.number_of("http://" + std::to_string(i));
  }
  EXPECT_EQ(shares.number_of("http://known.example"), known.host);
  EXPECT_EQ(shares.name_of(shares.number_of("http://0")), "http://0:80");
}

// The tenants of one host have shares of their own: one whose sends hang leaves the host to the others.
TEST(SendShares, ATenantThatHangsIsCutOffAndItsHostIsNot) {
  SendShares shares(256);
  auto now = start;
  SendScope hangs;
  hangs.host = shares.number_of("http://host.example");
  hangs.tenant_share = 1;
  auto answers = hangs;
  answers.tenant_share = 2;
  for (int i = 0; i < 20; ++i) {
    ASSERT_LE(shares.ask(answers, now).at, now);
    shares.begun(answers, now);
    shares.ended(answers, now, now, Shares::End::answered);
  }
  shares.begun(hangs, now);
  const auto begun = now;
  now += 2s;
  shares.begun(answers, now);
  shares.ended(answers, now, now, Shares::End::answered);
  EXPECT_GT(shares.ask(hangs, now).at, now) << "it seems to hang";
  EXPECT_LE(shares.ask(answers, now).at, now);
  now = begun + 15s;
  const auto change = shares.ended(hangs, begun, now, Shares::End::unanswered);
  EXPECT_TRUE(change.tenant.opened);
  EXPECT_FALSE(change.host.opened);
  EXPECT_EQ(shares.open_tenants(), 1u);
  EXPECT_EQ(shares.open_hosts(), 0u);
  EXPECT_LE(shares.ask(answers, now).at, now);
}

}  // namespace
}  // namespace tern::proactive

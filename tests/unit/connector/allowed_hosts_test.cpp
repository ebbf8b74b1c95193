// Where a client with a list of hosts sends to, and where it does not.
#include "connector/channel_hosts.hpp"
#include "harness.hpp"
#include "net/url.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tern::connector::test {
namespace {

std::shared_ptr<const net::AllowedHosts> hosts_of(std::string_view list) {
  return std::make_shared<const net::AllowedHosts>(net::AllowedHosts::parse(list).value());
}

ConnectorOptions allowing(std::string_view list, const FakeNameServer& names) {
  auto options = asking(names);
  options.allowed_hosts = hosts_of(list);
  return options;
}

std::string url_at(const std::string& name, const FakeChannel& channel, const char* scheme = "http://") {
  return scheme + name + ":" + std::to_string(channel.port());
}

// How a message to `url` ends.
struct Ended {
  error_code code;
  std::string said;
};

Ended ended_at(Harness& on, const std::string& url) {
  auto call = on.send(message_to(url));
  on.finish(call);
  try {
    (void)call.get();
  } catch (const system_error& e) {
    return {e.code(), message_of(e)};
  }
  return {};
}

bool is_channel(std::string_view cloud, const std::string& url) {
  net::AllowedHosts hosts;
  add_channel_hosts(hosts, cloud);
  net::Origin origin;
  std::string_view rest;
  EXPECT_EQ(net::parse_origin(url, origin, rest), nullptr) << url;
  return hosts.allows(origin);
}

TEST(ChannelHosts, EachCloudHasItsOwn) {
  for (const char* url : {"https://smba.trafficmanager.net/teams/", "https://smba.trafficmanager.net/amer/",
                          "https://smba.infra.gcc.teams.microsoft.com/teams", "https://webchat.botframework.com/",
                          "https://directline.botframework.com/", "https://europe.directline.botframework.com/",
                          "https://slack.botframework.com"}) {
    EXPECT_TRUE(is_channel("public", url)) << url;
    for (const char* cloud : {"gcc_high", "dod", "china", "none"}) {
      EXPECT_FALSE(is_channel(cloud, url)) << cloud << ' ' << url;
    }
  }
  EXPECT_TRUE(is_channel("gcc_high", "https://smba.infra.gov.teams.microsoft.us/teams"));
  EXPECT_TRUE(is_channel("gcc_high", "https://directline.botframework.azure.us"));
  EXPECT_FALSE(is_channel("gcc_high", "https://smba.infra.dod.teams.microsoft.us/teams"));
  EXPECT_TRUE(is_channel("dod", "https://smba.infra.dod.teams.microsoft.us/teams"));
  EXPECT_FALSE(is_channel("dod", "https://smba.infra.gov.teams.microsoft.us/teams"));
  EXPECT_TRUE(is_channel("china", "https://directline.botframework.azure.cn"));
  EXPECT_TRUE(is_channel("china", "https://frontend.botapi.msg.infra.teams.microsoftonline.cn"));
}

TEST(ChannelHosts, WhatAnybodyCanOwnIsNotAmongThem) {
  for (const char* url : {"https://evil.trafficmanager.net", "https://botframework.com.evil.example",
                          "https://xbotframework.com", "https://smba.trafficmanager.net.evil.example",
                          "http://smba.trafficmanager.net", "https://localhost", "https://127.0.0.1"}) {
    EXPECT_FALSE(is_channel("public", url)) << url;
  }
}

TEST(AllowedHostsOfAClient, HostThatIsNotListedGetsNoConnectionAndNoQuestionForItsName) {
  FakeNameServer names;
  FakeChannel channel;
  names.answer("stranger.test", FakeRecords::at({"127.0.0.1"}));
  Harness on(allowing("http://channel.test", names));
  const auto ended = ended_at(on, url_at("stranger.test", channel));
  EXPECT_EQ(ended.code, errc::service_url_refused);
  EXPECT_NE(ended.said.find("stranger.test"), std::string::npos) << ended.said;
  EXPECT_NE(ended.said.find("bot.allowed_hosts"), std::string::npos) << ended.said;
  EXPECT_EQ(names.questions(), 0U);
  EXPECT_EQ(channel.accepted(), 0U);
  EXPECT_EQ(on.outcome("refused"), 1);
  EXPECT_FALSE(on.client->sends_to(url_at("stranger.test", channel)));
  EXPECT_TRUE(on.client->sends_to(url_at("channel.test", channel)));
}

// A client remembers the serviceUrl that it allowed last.
TEST(AllowedHostsOfAClient, WhatWasAllowedBeforeDoesNotLetInItsLikes) {
  const FakeNameServer names;
  const Harness on(allowing("http://channel.test,other.test", names));
  const std::string_view likes[] = {"http://channel.test.stranger.test",
                                    "http://stranger.test",
                                    "ftp://channel.test",
                                    "http://channel.tes",
                                    "http://channel.test?x",
                                    "http://other.test",
                                    ""};
  for (const std::string_view allowed : {"http://channel.test", "http://CHANNEL.test/", "https://other.test/path"}) {
    EXPECT_TRUE(on.client->sends_to(allowed));
    EXPECT_TRUE(on.client->sends_to(allowed)) << "once more: " << allowed;
    for (const auto refused : likes) {
      EXPECT_FALSE(on.client->sends_to(refused)) << refused << " after " << allowed;
      EXPECT_TRUE(on.client->sends_to(allowed)) << allowed << " after " << refused;
    }
  }
  const std::string long_path = "http://channel.test/" + std::string(4000, 'a');
  EXPECT_TRUE(on.client->sends_to(long_path));
  EXPECT_TRUE(on.client->sends_to(long_path));
  EXPECT_FALSE(on.client->sends_to(long_path + "?"));
}

TEST(AllowedHostsOfAClient, HostThatIsListedForHttpsGetsNothingOverHttp) {
  FakeNameServer names;
  FakeChannel channel;
  names.answer("channel.test", FakeRecords::at({"127.0.0.1"}));
  Harness on(allowing("channel.test", names));
  const auto ended = ended_at(on, url_at("channel.test", channel));
  EXPECT_EQ(ended.code, errc::service_url_refused);
  EXPECT_NE(ended.said.find("http://"), std::string::npos) << ended.said;
  EXPECT_EQ(channel.accepted(), 0U);
  EXPECT_FALSE(on.client->sends_to(url_at("channel.test", channel)));
}

TEST(AllowedHostsOfAClient, HostThatIsNamedInFullMayBeOnThisMachine) {
  FakeNameServer names;
  FakeChannel channel;
  names.answer("channel.test", FakeRecords::at({"127.0.0.1"}));
  Harness on(allowing("http://channel.test,http://localhost", names));
  EXPECT_EQ(ended_at(on, url_at("channel.test", channel)).code, error_code());
  EXPECT_EQ(ended_at(on, url_at("localhost", channel)).code, error_code());
}

TEST(AllowedHostsOfAClient, HostOfAPatternThatLeadsInsideGetsNoConnection) {
  FakeNameServer names;
  FakeChannel channel;
  for (const char* address : {"127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00:ec2::254", "::ffff:127.0.0.1",
                              "64:ff9b::7f00:1", "0.0.0.0"}) {
    names.answer("x.channel.test", FakeRecords::at({address}));
    Harness on(allowing("http://*.channel.test", names));
    const auto ended = ended_at(on, url_at("x.channel.test", channel));
    EXPECT_EQ(ended.code, errc::address_refused) << address;
    EXPECT_NE(ended.said.find("bot.allowed_hosts"), std::string::npos) << ended.said;
    EXPECT_NE(ended.said.find("address of"), std::string::npos) << ended.said;
    EXPECT_EQ(on.open_connections(), 0);
    EXPECT_EQ(on.outcome("refused"), 1);
  }
  EXPECT_EQ(channel.accepted(), 0U);
}

// 127.0.0.1 stands for an address of the internet, since it is listed.
TEST(AllowedHostsOfAClient, NameThatIsBoundAnewToAnAddressInsideIsNotFollowed) {
  FakeNameServer names;
  FakeChannel channel;
  names.answer("x.channel.test", FakeRecords::at({"127.0.0.1"}, 10));
  Harness on(allowing("http://*.channel.test,127.0.0.1:" + std::to_string(channel.port()), names));
  EXPECT_EQ(ended_at(on, url_at("x.channel.test", channel)).code, error_code());
  EXPECT_EQ(channel.accepted(), 1U);
  names.answer("x.channel.test", FakeRecords::at({"127.0.0.2", "10.0.0.1"}, 10));
  channel.close_idle_connections();
  on.advance(11s);
  const auto ended = ended_at(on, url_at("x.channel.test", channel));
  EXPECT_EQ(ended.code, errc::address_refused);
  EXPECT_EQ(channel.accepted(), 1U);
  names.answer("x.channel.test", FakeRecords::at({"127.0.0.1"}, 10));
  EXPECT_EQ(ended_at(on, url_at("x.channel.test", channel)).code, errc::address_refused) << "remembered for a while";
  on.advance(5s);
  EXPECT_EQ(ended_at(on, url_at("x.channel.test", channel)).code, error_code()) << "the name leads out again";
}

TEST(AllowedHostsOfAClient, AddressesThatAreLeftAreUsedHoweverManyOthersThereAre) {
  FakeNameServer names;
  FakeChannel channel;
  std::vector<std::string> addresses;
  for (int i = 1; i <= 20; ++i) {
    addresses.push_back("10.0.0." + std::to_string(i));
  }
  addresses.emplace_back("127.0.0.1");
  names.answer("x.channel.test", FakeRecords::at(addresses));
  Harness on(allowing("http://*.channel.test,127.0.0.1", names));
  EXPECT_EQ(ended_at(on, url_at("x.channel.test", channel)).code, error_code());
  EXPECT_EQ(channel.accepted(), 1U);
}

TEST(AllowedHostsOfAClient, LiteralAddressHasToBeListed) {
  FakeNameServer names;
  FakeChannel channel;
  Harness on(allowing("http://*.channel.test,http://127.0.0.1:" + std::to_string(channel.port()), names));
  EXPECT_EQ(ended_at(on, url_at("127.0.0.1", channel)).code, error_code());
  EXPECT_EQ(ended_at(on, "http://127.0.0.1:1").code, errc::service_url_refused);
  EXPECT_EQ(ended_at(on, "http://[::1]").code, errc::service_url_refused);
  EXPECT_EQ(ended_at(on, "http://8.8.8.8").code, errc::service_url_refused);
}

}  // namespace
}  // namespace tern::connector::test

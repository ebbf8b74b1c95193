#include "net/addresses.hpp"

#include <boost/asio/ip/address.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tern::net {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

constexpr SteadyTime start{1h};

Resolution found(const Texts& addresses, std::chrono::seconds ttl = 60s) {
  Resolution resolution;
  resolution.end = Resolution::End::found;
  resolution.ttl = ttl;
  for (const std::string& text : addresses) {
    resolution.addresses.push_back(asio::ip::make_address(text));
  }
  return resolution;
}

Resolution not_found(Resolution::End end) {
  Resolution resolution;
  resolution.end = end;
  return resolution;
}

Texts order(const Addresses& addresses) {
  Texts texts;
  for (const auto& endpoint : addresses.endpoints()) {
    texts.push_back(endpoint.address().to_string());
    EXPECT_EQ(endpoint.port(), 7);
  }
  return texts;
}

asio::ip::tcp::endpoint endpoint(const std::string& address) {
  return {asio::ip::make_address(address), 7};
}

TEST(Addresses, FamiliesAreTriedInTurnAndIpv6First) {
  Addresses addresses(7);
  addresses.learn(found({"10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1", "fd00::2"}), start);
  EXPECT_EQ(order(addresses), (Texts{"fd00::1", "10.0.0.1", "fd00::2", "10.0.0.2", "10.0.0.3"}));
}

TEST(Addresses, TheOneThatWorkedIsFirstAndTheOtherFamilyIsNext) {
  Addresses addresses(7);
  addresses.learn(found({"fd00::1", "fd00::2", "10.0.0.1", "10.0.0.2"}), start);
  addresses.worked(endpoint("10.0.0.2"));
  EXPECT_EQ(order(addresses), (Texts{"10.0.0.2", "fd00::1", "10.0.0.1", "fd00::2"}));
  addresses.learn(found({"fd00::1", "10.0.0.1", "10.0.0.2"}), start + 60s);
  EXPECT_EQ(order(addresses), (Texts{"10.0.0.2", "fd00::1", "10.0.0.1"})) << "it is remembered";
  addresses.learn(found({"10.0.0.1", "fd00::1"}), start + 120s);
  EXPECT_EQ(order(addresses), (Texts{"fd00::1", "10.0.0.1"})) << "it is gone";
}

TEST(Addresses, NoMoreThan16AreTried) {
  Texts many;
  for (int i = 1; i <= 30; ++i) {
    many.push_back("10.0.0." + std::to_string(i));
  }
  Addresses addresses(7);
  addresses.learn(found(many), start);
  EXPECT_EQ(addresses.endpoints().size(), 16U);
}

TEST(Addresses, TimeToLiveIsKeptWithinBounds) {
  for (const auto& [ttl, kept] : {std::pair{0s, 5s}, std::pair{60s, 60s}, std::pair{86'400s, 300s}}) {
    Addresses addresses(7);
    EXPECT_FALSE(addresses.fresh(start));
    addresses.learn(found({"10.0.0.1"}, ttl), start);
    EXPECT_TRUE(addresses.fresh(start + kept - 1ms)) << ttl.count();
    EXPECT_FALSE(addresses.fresh(start + kept)) << ttl.count();
  }
}

TEST(Addresses, FailuresAreRememberedBriefly) {
  for (const auto& [end, kept] : {std::pair{Resolution::End::no_such_name, 5s}, std::pair{Resolution::End::failed, 1s},
                                  std::pair{Resolution::End::late, 1s}}) {
    Addresses addresses(7);
    addresses.learn(found({"10.0.0.1"}), start);
    addresses.learn(not_found(end), start + 60s);
    EXPECT_TRUE(addresses.endpoints().empty());
    EXPECT_EQ(addresses.failure().end, end);
    EXPECT_TRUE(addresses.fresh(start + 60s + kept - 1ms));
    EXPECT_FALSE(addresses.fresh(start + 60s + kept));
  }
}

TEST(Addresses, ThoseThatDoNotAnswerAreAskedForAgainButNotAtOnce) {
  Addresses addresses(7);
  addresses.learn(found({"10.0.0.1"}), start);
  addresses.doubt();
  EXPECT_TRUE(addresses.fresh(start + 4999ms));
  EXPECT_FALSE(addresses.fresh(start + 5s));
}

}  // namespace
}  // namespace tern::net

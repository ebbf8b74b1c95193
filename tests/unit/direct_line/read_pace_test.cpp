// The pace at which clients read what is kept.
#include "direct_line/read_pace.hpp"

#include "unit/direct_line/world.hpp"

#include <boost/asio/co_spawn.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace tern::direct_line {
namespace {

using namespace std::chrono_literals;
using http::Method;
using test::header_of;
using test::TestRequest;
using test::World;

Options with_rates(std::size_t token_rate, std::size_t address_rate) {
  Options options;
  options.bounds.token_rate = token_rate;
  options.bounds.address_rate = address_rate;
  return options;
}

/// A conversation with a page of history.
class PacedWorld {
 public:
  explicit PacedWorld(Options options) : world(std::move(options)), client(world.begin()) {
    for (int i = 0; i < 100; ++i) {
      auto activity = Activity::message(std::to_string(i));
      activity.set_conversation(ConversationAccount(client.id));
      tern::test::run_on(world.io, world.channel->sender().send(activity, {}, Deadline::never()));
    }
    pass(10s);  // what the beginning counted
  }
  void poll(const std::string& watermark = "0", const std::string& bearer = {}) {
    auto& request = requests.emplace_back(std::make_unique<TestRequest>(
        Method::get, std::string(root_path) + "/conversations/" + client.id + "/activities?watermark=" + watermark));
    request->as(bearer.empty() ? client.token : bearer);
    auto work = world.channel->endpoint().handle(*request);
    asio::co_spawn(world.io, std::move(work), [this](const std::exception_ptr& error, http::HttpResponse response) {
      EXPECT_FALSE(error);
      ++answers[response.status];
      last = std::move(response);
    });
    tern::test::drain(world.io);
  }
  void pass(std::chrono::milliseconds time) {
    for (; time > 0ms; time -= 100ms) {
      world.clock.advance(100ms);
      tern::test::drain(world.io);
    }
  }

  World world;
  World::Client client;
  std::vector<std::unique_ptr<TestRequest>> requests;
  std::map<unsigned, int> answers;
  http::HttpResponse last;
};

TEST(ReadPaceTest, LetsAClientReadItsHistoryOnlySoOften) {
  PacedWorld all(with_rates(1, 0));
  for (int i = 0; i < 8; ++i) {
    all.poll();
  }
  EXPECT_EQ(all.answers[200], 1);
  EXPECT_EQ(all.answers.count(429), 0U) << "the others wait first";
  all.pass(1s);
  EXPECT_EQ(all.answers[200], 2);
  all.pass(6s);
  EXPECT_EQ(all.answers[200], 6);
  EXPECT_EQ(all.answers[429], 2);
  EXPECT_EQ(header_of(all.last, "Retry-After"), "1");
  EXPECT_THAT(all.last.body, testing::HasSubstr("limits.direct_line_token_rate"));
}

TEST(ReadPaceTest, CountsTheAddressToo) {
  PacedWorld all(with_rates(0, 2));
  for (int i = 0; i < 3; ++i) {
    all.poll();
  }
  EXPECT_EQ(all.answers[200], 2);
  all.pass(1s);
  EXPECT_EQ(all.answers[200], 3);
}

TEST(ReadPaceTest, HoldsUpNobodyWhoReadsWhatIsNew) {
  PacedWorld all(with_rates(1, 1));
  for (int i = 0; i < 60; ++i) {
    all.poll("100");
    all.poll("99");
    all.pass(1s);
  }
  EXPECT_EQ(all.answers[200], 120);
}

TEST(ReadPaceTest, DoesNotHoldUpAServerWithTheSecret) {
  PacedWorld all(with_rates(1, 1));
  for (int i = 0; i < 20; ++i) {
    all.poll("0", World::secret);
  }
  EXPECT_EQ(all.answers[200], 20);
}

TEST(ReadPaceTest, KeepsMessagesApartFromReads) {
  PacedWorld all(with_rates(1, 1));
  all.poll();
  all.poll();
  EXPECT_EQ(all.world.say(all.client, "x").status, 200U);
}

/// Many who read pages behind one address.
class ReadersOfOneAddress {
 public:
  explicit ReadersOfOneAddress(Bounds bounds) : pace(bounds, 100'000, clock) {}
  void read(const std::string& conversation, const std::string& client) {
    asio::co_spawn(io, one(conversation, client), [](const std::exception_ptr& error) { EXPECT_FALSE(error); });
  }
  awaitable<void> one(std::string conversation, std::string client) {
    const auto place = co_await pace.begin(conversation, client, Deadline::never());
    ++reading;
    most = std::max(most, reading);
    co_await sleep_for(1ms, clock);  // the store
    pace.charge(conversation, client, ReadPace::cost_of(page));
    --reading;
    ++done[client];
  }
  void pass(std::chrono::milliseconds time) {
    tern::test::drain(io);
    for (; time > 0ms; time -= 1ms) {
      clock.advance(1ms);
      tern::test::drain(io);
    }
  }

  ManualClock clock;
  asio::io_context io{1};
  ReadPace pace;
  std::vector<StoredActivity> page = std::vector<StoredActivity>(100, {1, std::make_shared<const std::string>("{}")});
  int reading = 0;
  int most = 0;
  std::map<std::string, int> done;
};

TEST(ReadPaceTest, LetsAThousandOfOneAddressThroughAndOthersBeforeThem) {
  ReadersOfOneAddress all(Bounds{});
  for (int i = 0; i < 1000; ++i) {
    all.read("conversation-" + std::to_string(i), "nat");
  }
  all.read("one", "other");
  all.pass(5ms);
  EXPECT_EQ(all.done["other"], 1) << "whoever has another address does not wait";
  EXPECT_LE(all.most, 9) << "8 at once of an address";
  all.pass(5s);
  EXPECT_NEAR(all.done["nat"], 600, 100) << "100 at once, and then 100 a second";
  all.pass(5s);
  EXPECT_EQ(all.done["nat"], 1000);
}

TEST(ReadPaceTest, HoldsUpNoNeighboursForAConversationThatReadsTooMuch) {
  Bounds bounds;
  bounds.token_rate = 1;
  bounds.address_reads = 2;
  ReadersOfOneAddress all(bounds);
  for (int i = 0; i < 50; ++i) {
    all.read("greedy", "nat");
  }
  all.pass(100ms);
  const int greedy = all.done["nat"];
  all.read("fair", "nat");
  all.pass(10ms);
  EXPECT_EQ(all.done["nat"], greedy + 1);
  all.pass(100s);
  EXPECT_EQ(all.done["nat"], 51);
}

}  // namespace
}  // namespace tern::direct_line

// Direct Line of bots that are killed, stopped and started again, alone and as replicas on one PostgreSQL: the client
// misses nothing, nothing comes twice, and all of it is in order.

#include "programs/proactive_bot.hpp"
#include "unit/app/direct_line_client.hpp"
#ifdef TERN_HAS_POSTGRES
#include "support/postgres_server.hpp"
#endif

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <string>
#include <vector>

namespace tern::test {
namespace {

using testing::ElementsAre;

using DirectLineKeys = std::vector<std::string>;

const std::string direct_line_secret = "the-secret-of-these-tests";

DirectLineKeys with_direct_line(DirectLineKeys settings, bool has_secret = true) {
  settings.emplace_back("direct_line.enabled=true");
  if (has_secret) {
    settings.emplace_back("direct_line.secret=" + direct_line_secret);
  }
  return settings;
}

std::string proactive_answer_to(const std::string& text) {
  return "You said, \"" + text + "\"";
}

/// The messages of a conversation as a client finds them that has seen none.
std::vector<std::string> history_of(const DirectLineClient& client, std::uint16_t port) {
  auto fresh = client.another(port);
  std::vector<std::string> texts;
  for (const auto& activity : fresh.poll()) {
    texts.emplace_back(activity.at("text").as_string());
  }
  return texts;
}

[[maybe_unused]] void answers_once_after_a_kill(const DirectLineKeys& settings) {
  auto bot = std::make_unique<ProactiveBot>(settings);
  DirectLineClient client(bot->port(), direct_line_secret);
  ASSERT_EQ(client.begin(), 201);
  client.connect();
  ASSERT_EQ(client.say("one").status, 200);
  EXPECT_THAT(client.messages(1), ElementsAre("one"));
  bot->kill();  // the answer is due in three seconds
  bot = std::make_unique<ProactiveBot>(settings);
  client.move_to(bot->port());
  ASSERT_EQ(client.begin(), 200) << "token and watermark outlive the process";
  client.connect();
  EXPECT_THAT(client.messages(1), ElementsAre(proactive_answer_to("one")));
  ASSERT_EQ(client.say("two").status, 200);
  EXPECT_THAT(client.messages(2), ElementsAre("two", proactive_answer_to("two")));
  EXPECT_THAT(history_of(client, bot->port()),
              ElementsAre("one", proactive_answer_to("one"), "two", proactive_answer_to("two")));
}

/// `kind` of storage, which has `settings`.
[[maybe_unused]] void shows_once_what_was_sent_before_a_crash(const std::string& kind, DirectLineKeys settings) {
  settings = with_direct_line(std::move(settings));
  const auto with_kind = [&](const std::string& name) {
    auto all = settings;
    all.push_back("storage.kind=" + name);
    return all;
  };
  ProactiveBot dying(with_kind("dying-" + kind), TERN_DYING_BOT);
  DirectLineClient client(dying.port(), direct_line_secret);
  ASSERT_EQ(client.begin(), 201);
  ASSERT_EQ(client.say("one").status, 200);
  EXPECT_EQ(dying.wait().status, 128 + SIGKILL) << "between the message and the record that it was sent";
  ProactiveBot bot(with_kind(kind), TERN_DYING_BOT);
  EXPECT_THAT(history_of(client, bot.port()), ElementsAre("one", "Answer to one")) << "it is there, and is sent again";
  client.move_to(bot.port());
  ASSERT_EQ(client.begin(), 200);
  client.connect();
  EXPECT_THAT(client.messages(2), ElementsAre("one", "Answer to one"));
  ASSERT_EQ(client.say("two").status, 200);
  EXPECT_THAT(client.messages(2), ElementsAre("two", "Answer to two")) << "behind the one before, which was sent again";
  EXPECT_EQ(bot.stop().status, 0);
}

#ifdef TERN_HAS_ROCKSDB
TEST(DirectLineCrash, AnswersOnceWhenItWasKilledBeforeOnRocksdb) {
  const Folder folder;
  answers_once_after_a_kill(with_direct_line({"storage.kind=rocksdb", "storage.path=" + (folder / "data")}));
}

TEST(DirectLineCrash, ShowsOnceWhatItHadSentAndNotRecordedOnRocksdb) {
  const Folder folder;
  shows_once_what_was_sent_before_a_crash("rocksdb", {"storage.path=" + (folder / "data")});
}
#endif

#ifdef TERN_HAS_POSTGRES
/// Replicas on one PostgreSQL.
class DirectLineProcesses : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto obstacle = PostgresServer::obstacle(); !obstacle.empty()) {
      GTEST_SKIP() << obstacle;
    }
    server_ = std::make_unique<PostgresServer>();
  }
  DirectLineKeys on_server(bool has_secret = true) const {
    return with_direct_line({"storage.kind=postgres", "storage.url=" + server_->url()}, has_secret);
  }
  std::unique_ptr<ProactiveBot> start(bool has_secret = true) const {
    return std::make_unique<ProactiveBot>(on_server(has_secret));
  }
  /// Two replicas that know of each other.
  void start_both(bool has_secret = true) {
    a = start(has_secret);
    b = start(has_secret);
    (void)a->wait_for("owners=2");
    (void)b->wait_for("owners=2");
  }

  std::unique_ptr<PostgresServer> server_;
  std::unique_ptr<ProactiveBot> a;
  std::unique_ptr<ProactiveBot> b;
};

TEST_F(DirectLineProcesses, LetAClientGoOnWhenItsReplicaIsCutOffStoppedAndKilled) {
  start_both();
  DirectLineClient client(a->port(), direct_line_secret);
  ASSERT_EQ(client.begin(), 201);
  client.connect();
  ASSERT_EQ(client.say("one").status, 200);
  EXPECT_THAT(client.messages(1), ElementsAre("one"));

  client.cut();
  client.move_to(b->port());
  ASSERT_EQ(client.begin(), 200);
  client.connect();
  EXPECT_THAT(client.messages(1), ElementsAre(proactive_answer_to("one")));

  // Whoever has the slot of the answer: it may be the one that ends.
  client.cut();
  client.move_to(a->port());
  ASSERT_EQ(client.begin(), 200);
  client.connect();
  ASSERT_EQ(client.say("two").status, 200);
  EXPECT_THAT(client.messages(1), ElementsAre("two"));
  EXPECT_EQ(a->stop().status, 0);
  client.move_to(b->port());
  ASSERT_EQ(client.begin(), 200);
  client.connect();
  EXPECT_THAT(client.messages(1), ElementsAre(proactive_answer_to("two")));

  a = start();
  (void)a->wait_for("owners=2");
  ASSERT_EQ(client.say("three").status, 200);
  EXPECT_THAT(client.messages(1), ElementsAre("three"));
  b->kill();
  client.move_to(a->port());
  ASSERT_EQ(client.begin(), 200);
  client.connect();
  EXPECT_THAT(client.messages(1), ElementsAre(proactive_answer_to("three")));
  EXPECT_THAT(history_of(client, a->port()),
              ElementsAre("one", proactive_answer_to("one"), "two", proactive_answer_to("two"), "three",
                          proactive_answer_to("three")));
}

TEST_F(DirectLineProcesses, ShowTheSameAtTheSocketsOfBoth) {
  start_both();
  DirectLineClient at_a(a->port(), direct_line_secret);
  ASSERT_EQ(at_a.begin(), 201);
  auto at_b = at_a.another(b->port());
  auto also_at_b = at_a.another(b->port());
  for (auto* client : {&at_b, &also_at_b}) {
    ASSERT_EQ(client->begin(), 200);
    client->connect();
  }
  at_a.connect();
  std::vector<std::string> said;
  std::vector<std::string> answers;
  for (int i = 0; i < 3; ++i) {
    for (auto* client : {&at_a, &at_b}) {
      said.push_back(std::to_string(said.size()));
      answers.push_back(proactive_answer_to(said.back()));
      ASSERT_EQ(client->say(said.back()).status, 200);
    }
  }
  const auto all = at_a.messages(2 * said.size());
  std::vector<std::string> heard;
  std::vector<std::string> heard_answers;
  for (const auto& text : all) {
    (text.size() == 1 ? heard : heard_answers).push_back(text);
  }
  EXPECT_EQ(heard, said);
  EXPECT_EQ(heard_answers, answers) << "each once, in order, whichever replica has sent it";
  EXPECT_EQ(at_b.messages(all.size()), all);
  EXPECT_EQ(also_at_b.messages(all.size()), all);
  EXPECT_EQ(history_of(at_a, b->port()), all);
}

// The secret is made by the first of them and kept in the tables.
TEST_F(DirectLineProcesses, BelieveTheTokensAndTicketsOfEachOtherWithoutASecret) {
  start_both(false);
  auto client = DirectLineClient::of_page(a->port());
  client.move_to(b->port());
  ASSERT_EQ(client.begin(), 201) << "a token of the other";
  client.move_to(a->port());
  client.connect();  // with a ticket of b
  ASSERT_EQ(client.say("one").status, 200);
  EXPECT_THAT(client.messages(1), ElementsAre("one"));
  EXPECT_THROW(client.connect(), boost::system::system_error) << "a ticket is used once";
  ASSERT_EQ(client.begin(), 200);
  client.connect();
  EXPECT_THAT(client.messages(1), ElementsAre(proactive_answer_to("one")));
  EXPECT_EQ(DirectLineClient(b->port(), "not-the-kept-secret").begin(), 401);
}

TEST_F(DirectLineProcesses, AnswerOnceWhenTheyWereKilledBefore) {
  answers_once_after_a_kill(on_server());
}

TEST_F(DirectLineProcesses, ShowOnceWhatOneHadSentAndNotRecorded) {
  shows_once_what_was_sent_before_a_crash("postgres", {"storage.url=" + server_->url()});
}
#endif

}  // namespace
}  // namespace tern::test

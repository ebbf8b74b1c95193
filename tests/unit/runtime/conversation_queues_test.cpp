#include "runtime/conversation_queues.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace tern::runtime {
namespace {

/// Owns what it is called by.
struct Item : Queued {
  explicit Item(int conversation) : Item(std::make_shared<const std::string>(std::to_string(conversation))) {}
  explicit Item(std::shared_ptr<const std::string> id) : Queued(ConversationKey("emulator", *id)), its_id(id) {}
  std::shared_ptr<const std::string> its_id;
};

using Admission = ConversationQueues::Admission;

Queued* leave(ConversationQueues& queues, int conversation) {
  const auto id = std::to_string(conversation);
  return queues.next(ConversationKey("emulator", id));
}

TEST(ConversationQueues, StartsOneOfEachConversationAndQueuesTheRestInOrder) {
  ConversationQueues queues(10);
  Item a1(1), a2(1), a3(1), b1(2);
  EXPECT_EQ(queues.enter(a1), Admission::start);
  EXPECT_EQ(queues.enter(a2), Admission::wait);
  EXPECT_EQ(queues.enter(b1), Admission::start);
  EXPECT_EQ(queues.enter(a3), Admission::wait);
  EXPECT_EQ(leave(queues, 1), &a2);
  EXPECT_EQ(leave(queues, 1), &a3);
  EXPECT_EQ(leave(queues, 1), nullptr);
  EXPECT_EQ(leave(queues, 2), nullptr);
  EXPECT_EQ(queues.conversations(), 0U);
}

// As two ids did whose unkeyed hashes are equal.
TEST(ConversationQueues, EqualHashesShareNoQueue) {
  ConversationKey victim("directline", "a:1ABCvictim-conversation-0001");
  ConversationKey stranger("directline", "stranger4lqeeas6ZO5YO.~N");
  stranger.hash = victim.hash;
  struct Named : Queued {
    explicit Named(const ConversationKey& key) : Queued(key) {}
  };
  Named running(victim), other(stranger), waiting(victim);
  ConversationQueues queues(1);
  EXPECT_EQ(queues.enter(running), Admission::start);
  EXPECT_EQ(queues.enter(other), Admission::start);
  EXPECT_EQ(queues.enter(waiting), Admission::wait);
  EXPECT_EQ(queues.next(stranger), nullptr);
  EXPECT_EQ(queues.next(victim), &waiting);
  EXPECT_EQ(queues.next(victim), nullptr);
  EXPECT_EQ(queues.conversations(), 0U);
}

TEST(ConversationQueues, AreBounded) {
  ConversationQueues queues(1);
  Item running(1), waiting(1), refused(1);
  EXPECT_EQ(queues.enter(running), Admission::start);
  EXPECT_EQ(queues.enter(waiting), Admission::wait);
  EXPECT_EQ(queues.enter(refused), Admission::full);
  EXPECT_EQ(leave(queues, 1), &waiting);
  EXPECT_EQ(queues.enter(refused), Admission::wait);
  EXPECT_EQ(leave(queues, 1), &refused);
  EXPECT_EQ(leave(queues, 1), nullptr);
}

TEST(ConversationQueues, MayAllowNobodyToWait) {
  ConversationQueues queues(0);
  Item running(1), refused(1);
  EXPECT_EQ(queues.enter(running), Admission::start);
  EXPECT_EQ(queues.enter(refused), Admission::full);
  EXPECT_EQ(leave(queues, 1), nullptr);
}

TEST(ConversationQueues, AnAbandonedTurnIsPassedOver) {
  ConversationQueues queues(10);
  Item running(1), given_up(1), next(1);
  EXPECT_EQ(queues.enter(running), Admission::start);
  EXPECT_EQ(queues.enter(given_up), Admission::wait);
  EXPECT_EQ(queues.enter(next), Admission::wait);
  queues.abandon(given_up);
  EXPECT_FALSE(given_up.waiting());
  EXPECT_EQ(leave(queues, 1), &next);
  EXPECT_EQ(leave(queues, 1), nullptr);
}

}  // namespace
}  // namespace tern::runtime

#include "runtime/conversation_queues.hpp"

#include <gtest/gtest.h>

namespace tern::runtime {
namespace {

struct Item : Queued {
  explicit Item(std::uint64_t conversation) : Queued(conversation) {}
};

using Admission = ConversationQueues::Admission;

TEST(ConversationQueues, StartsOneOfEachConversationAndQueuesTheRestInOrder) {
  ConversationQueues queues(10);
  Item a1(1), a2(1), a3(1), b1(2);
  EXPECT_EQ(queues.enter(a1), Admission::start);
  EXPECT_EQ(queues.enter(a2), Admission::wait);
  EXPECT_EQ(queues.enter(b1), Admission::start);
  EXPECT_EQ(queues.enter(a3), Admission::wait);
  EXPECT_EQ(queues.leave(1), &a2);
  EXPECT_EQ(queues.leave(1), &a3);
  EXPECT_EQ(queues.leave(1), nullptr);
  EXPECT_EQ(queues.leave(2), nullptr);
  EXPECT_EQ(queues.conversations(), 0U);
}

TEST(ConversationQueues, AreBounded) {
  ConversationQueues queues(1);
  Item running(1), waiting(1), refused(1);
  EXPECT_EQ(queues.enter(running), Admission::start);
  EXPECT_EQ(queues.enter(waiting), Admission::wait);
  EXPECT_EQ(queues.enter(refused), Admission::full);
  EXPECT_EQ(queues.leave(1), &waiting);
  EXPECT_EQ(queues.enter(refused), Admission::wait);
  EXPECT_EQ(queues.leave(1), &refused);
  EXPECT_EQ(queues.leave(1), nullptr);
}

TEST(ConversationQueues, MayAllowNobodyToWait) {
  ConversationQueues queues(0);
  Item running(1), refused(1);
  EXPECT_EQ(queues.enter(running), Admission::start);
  EXPECT_EQ(queues.enter(refused), Admission::full);
  EXPECT_EQ(queues.leave(1), nullptr);
}

TEST(ConversationQueues, AnAbandonedTurnIsPassedOver) {
  ConversationQueues queues(10);
  Item running(1), given_up(1), next(1);
  EXPECT_EQ(queues.enter(running), Admission::start);
  EXPECT_EQ(queues.enter(given_up), Admission::wait);
  EXPECT_EQ(queues.enter(next), Admission::wait);
  queues.abandon(given_up);
  EXPECT_FALSE(given_up.waiting());
  EXPECT_EQ(queues.leave(1), &next);
  EXPECT_EQ(queues.leave(1), nullptr);
}

}  // namespace
}  // namespace tern::runtime

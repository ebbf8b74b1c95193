#include "storage/awaited_replies.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tern::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(AwaitedReplies, AreHintedAtByAWriteThatStoresSuchASend) {
  StoreChanges changes;
  changes.sends.emplace_back();
  hint_at_awaited_replies(changes);
  EXPECT_THAT(changes.hints, IsEmpty());
  changes.sends.emplace_back().cancel_on_reply = "conversation";
  hint_at_awaited_replies(changes);
  EXPECT_THAT(changes.hints, ElementsAre(awaited_replies_topic));
}

TEST(AwaitedReplies, AreHintedAtWhereADeadSendMayComeBack) {
  StoreChanges changes;
  changes.edits.emplace_back(SendEdit::Kind::cancel, SendHandle());
  hint_at_awaited_replies(changes);
  EXPECT_THAT(changes.hints, IsEmpty());
  changes.edits.emplace_back(SendEdit::Kind::redrive, SendHandle());
  hint_at_awaited_replies(changes);
  EXPECT_THAT(changes.hints, ElementsAre(awaited_replies_topic));
}

}  // namespace
}  // namespace tern::storage

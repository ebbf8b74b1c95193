// What turns store under names that strangers choose: activities, conversations and users with ids of any length.

#include "conformance/schedule_suite.hpp"
#include "support/recording_sender.hpp"
#include "turn/kept_reference.hpp"
#include "turn/keys.hpp"
#include "turn/make_send.hpp"
#include "turn/trust.hpp"
#include "turn/unit_of_work.hpp"

#include <tern/schema/parse.hpp>

#include <random>

namespace tern::conformance {

namespace {

using namespace std::chrono_literals;

// Text of `bytes` bytes or a few more, in which nothing repeats, so that nothing makes it shorter.
std::string random_text(std::mt19937_64& random, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) {
    const auto c = static_cast<char32_t>(0x800 + random() % 0x4000);  // three bytes each
    text += static_cast<char>(0xE0 | (c >> 12));
    text += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    text += static_cast<char>(0x80 | (c & 0x3F));
  }
  return text;
}

Activity message_with(const std::string& id, const std::string& conversation, const std::string& user) {
  json::object fields;
  fields["type"] = "message";
  fields["id"] = id;
  fields["channelId"] = "emulator";
  fields["serviceUrl"] = "http://localhost:9";
  fields["from"] = {{"id", user}};
  fields["recipient"] = {{"id", "bot"}};
  fields["conversation"] = {{"id", conversation}};
  return Activity(std::move(fields));
}

/// One turn: it counts in each scope of its state, promises a message, and keeps its reference.
class TurnOnStore {
 public:
  TurnOnStore(AnyStorage& store, Clock& clock) : sender_(clock), environment_("local", sender_, store, clock) {}

  /// The handle of what it has promised.
  SendHandle run(const Activity& activity) {
    detail::UnitOfWork work(environment_, activity);
    for (const auto scope : {StateScope::conversation, StateScope::user, StateScope::private_conversation}) {
      test::run(work.update(scope, [](json::object& state) {
        state["count"] = state.contains("count") ? state["count"].as_int64() + 1 : 1;
      }));
    }
    auto send = detail::make_activity_send("local", environment_.clock.wall_now(), activity.reference(),
                                           environment_.clock.wall_now() + 1h, Activity::message("later"),
                                           SendOptions().cancel_on_reply());
    detail::note_trace(send, activity);
    const auto handle = work.schedule(std::move(send));
    work.capture_reference(detail::reference_key("local", "emulator", *activity.from_id(), *activity.conversation_id()),
                           "{}");
    test::run(work.commit(detail::UnitOfWork::After::turn_ends));
    return handle;
  }
  /// How often a turn of this activity has counted.
  std::int64_t count(const Activity& activity, StateScope scope) {
    detail::UnitOfWork work(environment_, activity);
    const auto* found = test::run(work.get(scope, "count"));
    return found != nullptr ? found->as_int64() : 0;
  }

 private:
  test::RecordingSender sender_;
  detail::TurnEnvironment environment_;
};

}  // namespace

TEST_P(ScheduleSuite, TurnWithIdsOfAnyLengthIsStored) {
  const auto seed = random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  TurnOnStore turn(*store, clock);
  const std::string nul("a\0b", 3);
  std::uint64_t turns = 0;
  for (const std::string& odd :
       {random_text(random, 2700), random_text(random, 9000), "x" + random_text(random, 2700), nul,
        "x" + random_text(random, 126), "xx" + random_text(random, 126), nul + random_text(random, 2700)}) {
    for (const auto& activity :
         {message_with(odd, "c" + std::to_string(turns), "u"), message_with("a" + std::to_string(turns), odd, "u"),
          message_with("b" + std::to_string(turns), "c", odd)}) {
      turn.run(activity);
      const auto counted = turn.count(activity, StateScope::conversation);
      turn.run(activity);  // delivered again
      EXPECT_EQ(turn.count(activity, StateScope::conversation), counted + 1);
      EXPECT_EQ(test::run(store->count_sends(never)).pending, ++turns) << "it is known for what it is";
    }
  }
}

TEST_P(ScheduleSuite, TurnOfAConversationThatIsNamedLikeACutKeyHasAStateOfItsOwn) {
  TurnOnStore turn(*store, clock);
  const std::string victim(2000, 'v');
  const auto key = detail::conversation_state_key("local", "emulator", victim);
  const std::string prefix = "local/emulator/conversations/";
  ASSERT_TRUE(key.starts_with(prefix));
  turn.run(message_with("1", victim, "u1"));
  const auto stranger = message_with("2", key.substr(prefix.size()), "u2");
  EXPECT_EQ(turn.count(stranger, StateScope::conversation), 0);
  turn.run(stranger);
  EXPECT_EQ(turn.count(message_with("3", victim, "u1"), StateScope::conversation), 1);
}

// Also a reference of a version that did not store it, beside one that has it.
TEST_P(ScheduleSuite, TurnKeepsWhoVouchesForItsReference) {
  test::RecordingSender sender(clock);
  detail::TurnEnvironment environment("local", sender, *store, clock);
  Identity caller;
  caller.kind = Identity::Kind::bot;
  caller.app_id = "12345678-9abc-def0-1234-56789abcdef0";
  caller.tenant_id = "\xff not text \n";
  for (const auto& trust : {detail::Trust::of(caller), detail::Trust()}) {
    const std::string user = trust.tenant.empty() ? "of-nobody" : "of-a-bot";
    const auto activity = message_with("a-" + user, "c-" + user, user);
    const auto key = detail::reference_key("local", "emulator", user, "c-" + user);
    auto reference = activity.reference();
    trust.put(reference.json());
    detail::UnitOfWork work(environment, activity);
    work.capture_reference(key, detail::kept_reference(activity, trust, 4096).value());
    work.schedule(detail::make_activity_send("local", clock.wall_now(), reference, clock.wall_now() + 1h,
                                             Activity::message("later"), SendOptions()));
    test::run(work.commit(detail::UnitOfWork::After::turn_ends));
    const auto items = test::run(store->read({key}, never));
    ASSERT_EQ(items.size(), 1U);
    const auto document = items.begin()->document;
    EXPECT_EQ(detail::Trust::in(parse_json(document)->as_object()), trust);
    SendQuery of_conversation;
    of_conversation.order_key = detail::conversation_key("local", "emulator", "c-" + user);
    const auto page = test::run(store->list_sends(of_conversation, never));
    ASSERT_EQ(page.sends.size(), 1U);
    EXPECT_EQ(page.sends.front().reference, document);
  }
}

}  // namespace tern::conformance

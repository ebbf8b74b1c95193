#include <tern/storage/any_storage.hpp>
#include <tern/storage/memory_storage.hpp>

#include "storage/split_storage.hpp"
#include "support/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tern {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Deadline no_deadline = Deadline::never();

class Hints : public ::testing::Test {
 protected:
  HintListener into(std::vector<std::string>& topics) {
    return [&topics](std::string_view topic) { topics.emplace_back(topic); };
  }
  static bool write(AnyStorage& to, std::vector<std::string> hints, Expect expect = Expect::any()) {
    StoreChanges changes;
    changes.upserts.emplace_back("key", "{}", std::move(expect));
    changes.hints = std::move(hints);
    return test::run(to.write(std::move(changes), no_deadline)).has_value();
  }
  AnyStorage store = AnyStorage::make<MemoryStorage>();
  std::vector<std::string> heard;
};

TEST_F(Hints, AreToldAfterTheWriteByTheirPrefix) {
  std::vector<std::string> all;
  const auto chats = store.listen("chat/", into(heard));
  const auto everything = store.listen("", into(all));
  EXPECT_TRUE(store.hears_hints()) << "no other process writes here";
  EXPECT_TRUE(write(store, {"chat/1", "chats", "chat/2"}));
  EXPECT_THAT(heard, ElementsAre("chat/1", "chat/2"));
  EXPECT_THAT(all, ElementsAre("chat/1", "chats", "chat/2"));
}

TEST_F(Hints, AreSharedByTheCopiesOfAStore) {
  auto copy = store;
  const auto subscription = store.listen("", into(heard));
  EXPECT_TRUE(write(copy, {"a"}));
  EXPECT_THAT(heard, ElementsAre("a"));
}

TEST_F(Hints, OfARefusedWriteAreNotTold) {
  const auto subscription = store.listen("", into(heard));
  EXPECT_TRUE(write(store, {"a"}, Expect::absent()));
  EXPECT_FALSE(write(store, {"b"}, Expect::absent()));
  EXPECT_THAT(heard, ElementsAre("a"));
}

TEST_F(Hints, MayComeWithoutADocument) {
  const auto subscription = store.listen("", into(heard));
  StoreChanges alone;
  alone.hints = {"a"};
  EXPECT_TRUE(alone.empty());
  EXPECT_TRUE(test::run(store.write(std::move(alone), no_deadline)).has_value());
  EXPECT_THAT(heard, ElementsAre("a"));
}

TEST_F(Hints, AreNotToldAnyMoreAfterTheEndOfASubscription) {
  {
    auto subscription = store.listen("", into(heard));
    auto moved = std::move(subscription);
    write(store, {"a"});
  }
  write(store, {"b"});
  auto ended = store.listen("", into(heard));
  ended = HintSubscription();
  write(store, {"c"});
  EXPECT_THAT(heard, ElementsAre("a"));
}

TEST_F(Hints, AListenerMayEndItselfAndOthers) {
  HintSubscription first;
  HintSubscription second;
  first = store.listen("", [&](std::string_view topic) {
    heard.emplace_back(topic);
    first = HintSubscription();
    second = HintSubscription();
  });
  second = store.listen("", into(heard));
  write(store, {"a", "b"});
  EXPECT_THAT(heard, ElementsAre("a"));
}

TEST_F(Hints, AListenerThatThrowsKeepsNothingFromTheOthers) {
  const auto bad = store.listen("", [](std::string_view) { throw std::runtime_error("no"); });
  const auto good = store.listen("", into(heard));
  EXPECT_TRUE(write(store, {"a"}));
  EXPECT_THAT(heard, ElementsAre("a"));
}

TEST_F(Hints, ASubscriptionMayOutliveItsStore) {
  auto other = std::make_unique<AnyStorage>(AnyStorage::make<MemoryStorage>());
  const auto subscription = other->listen("", into(heard));
  other.reset();
  EXPECT_THAT(heard, IsEmpty());
}

TEST_F(Hints, HaveTopicsOfBoundedSize) {
  const auto refusal = [this](std::vector<std::string> hints) {
    try {
      write(store, std::move(hints));
    } catch (const system_error& e) {
      return message_of(e);
    }
    return std::string();
  };
  EXPECT_THAT(refusal({""}), HasSubstr("1 to 256"));
  EXPECT_THAT(refusal({std::string(257, 'x')}), HasSubstr("1 to 256"));
  EXPECT_THAT(refusal({"line\nbreak"}), HasSubstr("printable"));
  EXPECT_THAT(refusal({"\xC3\xA4"}), HasSubstr("printable"));
  EXPECT_THAT(refusal(std::vector<std::string>(101, "x")), HasSubstr("at most 100"));
  EXPECT_EQ(refusal(std::vector<std::string>(100, std::string(256, 'x'))), "");
}

TEST_F(Hints, OfTheDocumentsOfASplitStoreAreHeard) {
  auto documents = AnyStorage::make<MemoryStorage>();
  auto split = AnyStorage::make<SplitStorage>(documents, AnyStorage::make<MemoryStorage>(), 100);
  test::run(split.open(no_deadline));
  const auto subscription = split.listen("", into(heard));
  write(documents, {"below"});
  EXPECT_THAT(heard, ElementsAre("below"));
  EXPECT_TRUE(split.hears_hints());
}

/// A memory store that hears as another process what is told to it.
class EchoingStorage {
 public:
  StoreTraits traits() const noexcept { return storage_.traits(); }
  awaitable<void> open(Deadline by) { return storage_.open(by); }
  awaitable<void> close(Deadline by) { return storage_.close(by); }
  awaitable<StoreItems> read(std::vector<std::string> keys, Deadline by) { return storage_.read(std::move(keys), by); }
  awaitable<boost::system::result<StoreReceipt, StoreConflict>> write(StoreChanges changes, Deadline by) {
    return storage_.write(std::move(changes), by);
  }
  awaitable<StorePage> scan(StoreScan scan, Deadline by) { return storage_.scan(std::move(scan), by); }
  static void hear_hints(const HintListener&) {}
  static bool hears_hints() noexcept { return true; }
  void hear_notes(NoteListener listener) { listener_ = std::move(listener); }
  void tell(const std::string& topic, const std::string& text) { listener_(topic, text); }

 private:
  MemoryStorage storage_;
  NoteListener listener_;
};

TEST_F(Hints, NotesGoToTheirListenersByPrefix) {
  auto echoing = AnyStorage::make<EchoingStorage>();
  const auto of_chats = echoing.listen_to_notes("chat/", [this](std::string_view topic, std::string_view text) {
    heard.push_back(std::string(topic).append(": ").append(text));
  });
  const auto of_hints = echoing.listen("", into(heard));
  echoing.tell("chat/1", "one");
  echoing.tell("other", "two");
  EXPECT_THAT(heard, ElementsAre("chat/1: one"));
}

TEST_F(Hints, NotesPassThroughASplitStore) {
  auto split =
      AnyStorage::make<SplitStorage>(AnyStorage::make<EchoingStorage>(), AnyStorage::make<MemoryStorage>(), 100);
  test::run(split.open(no_deadline));
  const auto subscription = split.listen_to_notes("", [this](std::string_view topic, std::string_view text) {
    heard.push_back(std::string(topic).append(": ").append(text));
  });
  split.tell("a", "note");
  EXPECT_THAT(heard, ElementsAre("a: note"));
}

// Under ThreadSanitizer.
TEST_F(Hints, TheEndOfASubscriptionWaitsForItsListener) {
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) {
      write(store, {"a"});
    }
  });
  for (int i = 0; i < 200; ++i) {
    auto alive = std::make_unique<std::atomic<int>>(0);
    auto subscription = store.listen("", [&told = *alive](std::string_view) { ++told; });
    std::this_thread::yield();
    subscription = HintSubscription();
    alive.reset();  // AddressSanitizer would find a listener that still runs
  }
  stop = true;
  writer.join();
}

}  // namespace
}  // namespace tern

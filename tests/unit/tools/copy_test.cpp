#include "tools/storage/copy.hpp"

#include "fake_store.hpp"
#include "tools/storage/pages.hpp"
#include "tools/storage/transfer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace tern::tools {
namespace {

using testing::HasSubstr;

class Copy : public ::testing::Test {
 protected:
  CopyReport run(bool restart = false, std::string source = "source") {
    return test::run(copy(from.store(), to.store(), CopyOptions{std::move(source), restart}, progress));
  }

  FakeStore from;
  FakeStore to;
  Progress progress;
};

TEST_F(Copy, CopiesEverythingAndLeavesNothingOfItsOwn) {
  from.fill(3000);
  from.put(std::string("a\0b", 3), "\"\xff\"");
  const auto report = run();
  EXPECT_EQ(to.all(), from.all());
  EXPECT_EQ(report.totals.documents, 3001U);
  EXPECT_EQ(report.totals.sha256.size(), 64U);
  EXPECT_EQ(report.resumed, 0U);
}

TEST_F(Copy, CopiesAnEmptyStore) {
  EXPECT_EQ(run().totals.documents, 0U);
  EXPECT_TRUE(to.all().empty());
}

TEST_F(Copy, CopiesDocumentsThatAreLargerThanABatch) {
  from.put("a", std::string(5 << 20, 'x'));
  from.put("b", std::string(5 << 20, 'y'));
  from.fill(10);
  run();
  EXPECT_EQ(to.all(), from.all());
}

TEST_F(Copy, GoesOnWhereItWasCutWhereverThatWas) {
  from.fill(4000);
  for (std::size_t cut = 0; cut < 20; ++cut) {
    FakeStore target;
    target.before_write = [&] {
      if (target.writes == cut) {
        throw_error(errc::storage_unavailable, "cut");
      }
    };
    const auto copy_to_target = [&] {
      return test::run(copy(from.store(), target.store(), CopyOptions{"source", false}, progress));
    };
    const auto first = error_of(copy_to_target);
    if (first == "no error") {
      ASSERT_GT(cut, 3U);
      return;
    }
    const auto there = target.all().size();
    target.before_write = [] {};
    const auto report = copy_to_target();
    EXPECT_EQ(report.resumed, there == 0 ? 0 : there - 1) << "all but the checkpoint";
    EXPECT_EQ(target.all(), from.all()) << "cut at write " << cut;
  }
  FAIL() << "never ends";
}

TEST_F(Copy, RefusesATargetThatIsNotEmpty) {
  from.fill(1);
  to.put("mine", "{}");
  EXPECT_THAT(error_of([&] { run(); }), HasSubstr("not empty"));
  EXPECT_THAT(error_of([&] { run(true); }), HasSubstr("not empty")) << "--restart is for what a copy has left";
  EXPECT_EQ(to.all().size(), 1U);
}

TEST_F(Copy, RefusesToGoOnWithAnotherSource) {
  from.fill(10);
  to.before_write = [&] {
    if (to.writes == 1) {
      throw_error(errc::storage_unavailable, "cut");
    }
  };
  EXPECT_NE(error_of([&] { run(); }), "no error");
  to.before_write = [] {};
  EXPECT_THAT(error_of([&] { run(false, "another"); }), HasSubstr("--restart"));
  run(true, "another");
  EXPECT_EQ(to.all(), from.all());
}

TEST_F(Copy, RestartsOverANoteThatCannotBeRead) {
  from.fill(10);
  to.put(std::string(reserved_prefix) + "copy", "{\"source\":1}");
  EXPECT_THAT(error_of([&] { run(); }), HasSubstr("--restart"));
  run(true);
  EXPECT_EQ(to.all(), from.all());
}

TEST_F(Copy, TellsWhenTheTargetDiffers) {
  from.fill(100);
  to.after_scan = [](StorePage& page) {
    for (auto& item : page.items) {
      item.document += item.key.ends_with("u42") ? " " : "";
    }
  };
  EXPECT_THAT(error_of([&] { run(); }), HasSubstr("differs"));
  to.after_scan = [](StorePage&) {};
  EXPECT_EQ(run().resumed, 100U) << "the note stands until the copy is right";
}

TEST_F(Copy, TellsWhenTheSourceWasWrittenToMeanwhile) {
  from.fill(100);
  std::size_t scans = 0;
  from.after_scan = [&](StorePage&) {
    // Two to add up the source; the third begins the copy.
    if (++scans == 3) {
      from.put("zzz", "{}");
    }
  };
  EXPECT_THAT(error_of([&] { run(); }), HasSubstr("Stop its bot"));
}

AnyStorage store_with_sends(std::uint64_t pending, std::uint64_t dead) {
  auto store = AnyStorage::make<MemoryStorage>();
  const auto leases = test::run(store.hold_slots("owner", {}, slot_count, Deadline::never())).leases;
  StoreChanges changes;
  for (std::uint64_t i = 0; i < pending + dead; ++i) {
    ScheduledSend send;
    send.handle = {slot_of("c"), WallTime(std::chrono::hours(500'000)), new_send_id()};
    send.order_key = "c";
    changes.sends.push_back(std::move(send));
  }
  StoreChanges burials;
  for (std::uint64_t i = 0; i < dead; ++i) {
    burials.outcomes.emplace_back(SendOutcome::Kind::dead, changes.sends[i].handle, 0, leases.at(slot_of("c")));
  }
  test::run(store.write(std::move(changes), Deadline::never()));
  test::run(store.write(std::move(burials), Deadline::never()));
  return store;
}

/// Keeps what it is told.
class NotingProgress : public Progress {
 public:
  void note(const std::string& text) override { notes += text; }
  std::string notes;
};

TEST_F(Copy, RefusesToLeavePendingSendsBehind) {
  const auto source = store_with_sends(2, 0);
  CopyOptions options{"source", false, false};
  EXPECT_THAT(error_of([&] { test::run(copy(source, to.store(), options, progress)); }),
              testing::AllOf(HasSubstr("2 pending sends"), HasSubstr("--leave-sends")));
  EXPECT_TRUE(to.all().empty());
  options.leave_sends = true;
  NotingProgress noting;
  test::run(copy(source, to.store(), options, noting));
  EXPECT_THAT(noting.notes, HasSubstr("Not copied: 2 pending sends."));
}

TEST_F(Copy, NotesTheDeadThatItLeaves) {
  NotingProgress noting;
  test::run(copy(store_with_sends(0, 1), to.store(), CopyOptions{"source", false, false}, noting));
  EXPECT_THAT(noting.notes, HasSubstr("Not copied: 1 dead one."));
}

TEST_F(Copy, SaysNothingOfSendsWhenThereAreNone) {
  NotingProgress noting;
  test::run(copy(store_with_sends(0, 0), to.store(), CopyOptions{"source", false, false}, noting));
  EXPECT_EQ(noting.notes, "");
}

TEST(Export, NotesTheSendsThatAreNotInIt) {
  NotingProgress noting;
  std::ostringstream out;
  test::run(export_lines(store_with_sends(3, 2), out, noting));
  EXPECT_EQ(noting.notes, "Not in the export: 3 pending sends and 2 dead ones. Only the store has them.");
}

TEST(Digest, IsTheSameForTheSameDocumentsOnly) {
  const auto of = [](std::initializer_list<std::pair<const char*, const char*>> documents) {
    Digest digest;
    for (const auto& [key, document] : documents) {
      digest.add(key, document);
    }
    return digest.totals();
  };
  EXPECT_EQ(of({{"a", "1"}, {"b", "2"}}), of({{"a", "1"}, {"b", "2"}}));
  EXPECT_NE(of({{"a", "1"}, {"b", "2"}}).sha256, of({{"a", "1b"}, {"", "2"}}).sha256);
  EXPECT_EQ(of({}).sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(from_hex(to_hex(std::string("\0\xff z", 4))), std::string("\0\xff z", 4));
}

}  // namespace
}  // namespace tern::tools

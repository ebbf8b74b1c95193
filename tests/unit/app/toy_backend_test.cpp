// A kind of storage that Tern does not have, added by its table alone: this is all that a backend of one's own takes.
// A program of its own, since the table is filled before any configuration is read.
#include "app/backend.hpp"
#include "app/storage_factory.hpp"
#include "tools/storage/store_spec.hpp"
#include "tools/storage/tool_error.hpp"

#include <tern/app/config.hpp>
#include <tern/async/manual_clock.hpp>
#include <tern/async/metrics.hpp>
#include <tern/storage/memory_storage.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/run.hpp"

#include <atomic>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tern {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Documents in the memory of this process, which are counted when they are read. It keeps no schedule.
class ToyStorage {
 public:
  explicit ToyStorage(Clock& clock) : documents_(MemoryStorageLimits{}, clock) {}

  static StoreTraits traits() noexcept { return {"toy", false, false}; }
  awaitable<void> open(Deadline by) { return documents_.open(by); }
  awaitable<StoreItems> read(std::vector<std::string> keys, Deadline by) {
    ++reads_;
    return documents_.read(std::move(keys), by);
  }
  awaitable<boost::system::result<StoreReceipt, StoreConflict>> write(StoreChanges changes, Deadline by) {
    return documents_.write(std::move(changes), by);
  }
  awaitable<StorePage> scan(StoreScan scan, Deadline by) { return documents_.scan(std::move(scan), by); }
  awaitable<void> close(Deadline by) { return documents_.close(by); }

  std::uint64_t reads() const noexcept { return reads_; }

 private:
  MemoryStorage documents_;
  std::atomic<std::uint64_t> reads_ = 0;
};

std::string box = "attic";  ///< its own key, which the settings of Tern have no member for

app::BackendOnCommandLine on_command_line() {
  app::BackendOnCommandLine tool;
  tool.usage = "toy:BOX";
  tool.place_in = [](const std::string& text) -> std::optional<std::string> {
    if (!text.starts_with("toy:")) {
      return std::nullopt;
    }
    if (text == "toy:") {
      throw std::invalid_argument("toy: names no box.");
    }
    return text.substr(4);
  };
  tool.set_place = [](StorageSettings&, const std::string& place) { box = place; };
  tool.name = [](const StorageSettings&) { return "toy:" + box; };
  tool.identity = [](const StorageSettings&) { return box; };
  tool.missing = [](const StorageSettings&) {
    return box == "cellar" ? std::optional<std::string>("There is no cellar.") : std::nullopt;
  };
  return tool;
}

app::Backend toy_backend() {
  app::Backend backend;
  backend.kind = "toy";
  backend.summary = "in a box of toys";
  backend.keys = {{"storage.box", "the name of a box", "toy: where it is.",
                   [](Settings&, const boost::json::value& value) { box = std::string(value.as_string()); },
                   [](const Settings&) { return boost::json::value(box); }}};
  backend.check = [](const Settings&) {
    if (box.empty()) {
      throw ConfigError("storage.box is empty; storage.kind toy needs a box.");
    }
  };
  backend.place = [](const Settings&) { return "the box " + box; };
  backend.bounds = [](const Settings&) { return std::vector<app::MemoryBound>{{"toys", "storage.box", 3, 1024}}; };
  backend.make = [](const Settings&, Clock& clock, Metrics* metrics, app::Patience) {
    auto [storage, toy] = AnyStorage::make_with_access<ToyStorage>(clock);
    if (metrics != nullptr) {
      metrics->gauge_from("tern_toy_reads", "Reads.", [known = std::weak_ptr(toy)] {
        const auto alive = known.lock();
        return alive ? static_cast<double>(alive->reads()) : 0;
      });
    }
    return app::StoreParts{std::move(storage), [] { return std::string("it is in the attic"); }};
  };
  backend.tool = on_command_line();
  return backend;
}

/// One that this program was built without.
app::Backend missing_backend() {
  app::Backend backend;
  backend.kind = "puzzle";
  backend.summary = "in pieces";
  backend.option = "TERN_WITH_PUZZLE";
  return backend;
}

const bool added = [] {
  app::add_backend(toy_backend());
  app::add_backend(missing_backend());
  return true;
}();

CommandLine load(std::vector<const char*> arguments, const Environment& environment = {}) {
  arguments.insert(arguments.begin(), "bot");
  return load_config(static_cast<int>(arguments.size()), arguments.data(), {}, environment);
}

template <class Error, class Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(ToyBackend, IsConfiguredAsAnyOther) {
  ASSERT_TRUE(added);
  const auto command = load({"--set", "storage.kind=toy"}, {{"TERN_STORAGE_BOX", "shed"}});
  EXPECT_EQ(command.settings.storage.kind, "toy");
  EXPECT_EQ(app::place_of(command.settings), "the box shed");
  EXPECT_THAT(print_config(command.settings), AllOf(HasSubstr("storage.box"), HasSubstr("shed")));
  EXPECT_THAT(load({"--help"}).text, AllOf(HasSubstr("storage.box"), HasSubstr("toy: in a box of toys.")));
  EXPECT_THAT(load({"--set", "storage.kind=toy", "--print-config"}).note, HasSubstr("toys"));
}

TEST(ToyBackend, SaysWhatItLacks) {
  EXPECT_THAT(error_of<ConfigError>([] { load({"--set", "storage.kind=toy", "--set", "storage.box="}); }),
              HasSubstr("needs a box"));
  EXPECT_EQ(error_of<ConfigError>([] { load({"--set", "storage.box="}); }), "no error") << "that is of another kind";
  EXPECT_THAT(error_of<ConfigError>([] { load({"--set", "storage.kind=doll"}); }),
              AllOf(HasSubstr("toy"), HasSubstr("rocksdb")));
}

TEST(ToyBackend, OneThatTheBuildHasNotIsNamedWithItsOption) {
  EXPECT_THAT(error_of<ConfigError>([] { load({"--set", "storage.kind=puzzle"}); }),
              HasSubstr("-DTERN_WITH_PUZZLE=ON"));
}

TEST(ToyBackend, KeepsDocumentsWithAScheduleBesideIt) {
  ManualClock clock;
  Metrics metrics;
  const auto settings = load({"--set", "storage.kind=toy", "--set", "storage.box=attic"}).settings;
  auto parts = app::make_storage(settings, clock, &metrics);
  EXPECT_EQ(parts.obstacle(), "it is in the attic");
  auto& store = parts.storage;
  EXPECT_TRUE(store.schedules());
  test::run(store.open(Deadline::never()));
  StoreChanges changes;
  changes.upserts.emplace_back("ball", "{}");
  EXPECT_TRUE(test::run(store.write(std::move(changes), Deadline::never())));
  EXPECT_EQ(test::run(store.read({"ball"}, Deadline::never())).size(), 1U);
  EXPECT_THAT(metrics.expose(), HasSubstr("\ntern_toy_reads 1\n"));
  test::run(store.close(Deadline::never()));
}

TEST(ToyBackend, IsNamedOnTheCommandLineOfATool) {
  const auto spec = tools::parse_store("toy:shelf");
  EXPECT_EQ(spec.name(), "toy:shelf");
  EXPECT_NE(spec.id(), tools::parse_store("toy:floor").id());
  EXPECT_THAT(tools::store_usage(), HasSubstr("toy:BOX"));
  EXPECT_THAT(error_of<tools::UsageError>([] { tools::parse_store("toy:"); }), HasSubstr("names no box"));
  EXPECT_THAT(error_of<tools::UsageError>([] { tools::parse_store("doll:x"); }), HasSubstr("toy:BOX"));
  EXPECT_THAT(error_of<tools::ToolError>([] { tools::make_store(tools::parse_store("toy:cellar"), tools::Use::read); }),
              HasSubstr("no cellar"));
  EXPECT_EQ(tools::make_store(tools::parse_store("toy:floor"), tools::Use::fill).traits().name, "toy");
}

}  // namespace
}  // namespace tern

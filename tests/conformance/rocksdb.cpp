#include <tern/storage/rocksdb_storage.hpp>

#include "conformance/schedule_rules_suite.hpp"
#include "support/temporary_folder.hpp"

namespace tern::conformance {

namespace {

Backend rocksdb(std::string name, const RocksDbOptions& options) {
  Backend backend;
  backend.name = std::move(name);
  auto folder = std::make_shared<std::unique_ptr<test::TemporaryFolder>>();
  const auto open_there = [options, folder](Clock& clock) {
    auto own = options;
    own.path = (*folder)->path() / "store";
    return AnyStorage::make<RocksDbStorage>(std::move(own), clock);
  };
  backend.make = [folder, open_there](Clock& clock) {
    *folder = std::make_unique<test::TemporaryFolder>();
    return open_there(clock);
  };
  backend.reopen = [open_there](AnyStorage crashed, Clock& clock) {
    {
      const auto ended = std::move(crashed);
    }
    return open_there(clock);
  };
  return backend;
}

std::vector<Backend> backends() {
  RocksDbOptions unsynced;  // as fast as it goes, for the many operations of the model
  unsynced.sync = false;
  RocksDbOptions one_by_one;
  one_by_one.max_batch = 1;
  std::vector<Backend> all{rocksdb("usual", {}), rocksdb("unsynced", unsynced), rocksdb("one_by_one", one_by_one)};
  constexpr int fewer = 10'000 / part;
  all[0].model_operations = fewer;
  all[0].schedule_operations = fewer;
  all[2].model_operations = fewer;
  all[2].schedule_operations = fewer;
  for (const auto i : {0, 2}) {
    all[static_cast<std::size_t>(i)].races = fewer;
    all[static_cast<std::size_t>(i)].overdue = 5 * fewer;
  }
  return all;
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(RocksDb, StorageSuite, ::testing::ValuesIn(backends()), backend_name);
INSTANTIATE_TEST_SUITE_P(RocksDb, ScheduleSuite, ::testing::ValuesIn(backends()), backend_name);
INSTANTIATE_TEST_SUITE_P(RocksDb, ScheduleRulesSuite, ::testing::ValuesIn(backends()), backend_name);

}  // namespace tern::conformance

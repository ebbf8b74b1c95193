#include <tern/storage/memory_storage.hpp>

#include "conformance/schedule_rules_suite.hpp"

namespace tern::conformance {

namespace {

Backend memory() {
  Backend backend;
  backend.name = "memory";
  backend.make = [](Clock& clock) { return AnyStorage::make<MemoryStorage>(MemoryStorageLimits{}, clock); };
  return backend;
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Memory, StorageSuite, ::testing::Values(memory()), backend_name);
INSTANTIATE_TEST_SUITE_P(Memory, ScheduleSuite, ::testing::Values(memory()), backend_name);
INSTANTIATE_TEST_SUITE_P(Memory, ScheduleRulesSuite, ::testing::Values(memory()), backend_name);

}  // namespace tern::conformance

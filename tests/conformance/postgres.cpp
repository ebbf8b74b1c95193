#include <tern/storage/postgres_storage.hpp>

#include "conformance/postgres_schemas.hpp"
#include "conformance/schedule_rules_suite.hpp"

#include <cstdlib>
#include <memory>

namespace tern::conformance {

namespace {

AnyStorage open_on(PostgresOptions options, Clock& clock) {
  // Without a pooler that variant is tried on the server itself, with the statements that a pooler would see.
  const char* pooler = given_server() != nullptr ? std::getenv("TERN_TEST_PGBOUNCER") : nullptr;
  options.url = options.pgbouncer && pooler != nullptr ? pooler : schemas().server();
  return AnyStorage::make<PostgresStorage>(std::move(options), clock);
}

Backend postgres(std::string name, const PostgresOptions& options) {
  Backend backend;
  backend.name = std::move(name);
  backend.skip = given_server() == nullptr ? test::PostgresServer::obstacle() : "";
  auto schema = std::make_shared<std::string>();
  backend.make = [options, schema](Clock& clock) {
    *schema = schemas().make();
    auto own = options;
    own.schema = *schema;
    own.lease = std::chrono::hours(1);  // an owner that says nothing for long, under a sanitizer, keeps its slots
    return open_on(std::move(own), clock);
  };
  backend.reopen = [options, schema](AnyStorage crashed, Clock& clock) {
    {
      const auto ended = std::move(crashed);
    }
    auto own = options;
    own.schema = *schema;
    return open_on(std::move(own), clock);
  };
  return backend;
}

std::vector<Backend> backends() {
  (void)schemas();
  PostgresOptions several;
  several.write_lanes = 3;
  several.read_lanes = 2;
  PostgresOptions pooled;
  pooled.pgbouncer = true;
  std::vector<Backend> all{postgres("usual", {}), postgres("several_lanes", several),
                           postgres("for_pgbouncer", pooled)};
  constexpr int fewer = 10'000 / part;
  all[1].model_operations = fewer;
  all[2].model_operations = fewer;
  all[2].races = fewer;
  all[2].overdue = 5 * fewer;
  all[0].schedule_operations = 20'000 / part;  // each is a transaction, most of several statements
  all[2].schedule_operations = 5'000 / part;
  return all;
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Postgres, StorageSuite, ::testing::ValuesIn(backends()), backend_name);
// What several lanes change is how documents are written.
INSTANTIATE_TEST_SUITE_P(Postgres, ScheduleSuite, ::testing::Values(backends()[0], backends()[2]), backend_name);
INSTANTIATE_TEST_SUITE_P(Postgres, ScheduleRulesSuite, ::testing::Values(backends()[0]), backend_name);

}  // namespace tern::conformance

#include "requirements.hpp"

#include "schema.hpp"
#include "storage/storable_text.hpp"

#include <tern/error.hpp>

namespace tern::detail::pg {

void require_valid(const PostgresOptions& options) {
  const auto require = [](bool holds, const char* message) {
    if (!holds) {
      throw_error(errc::invalid_argument, message);
    }
  };
  using namespace std::chrono_literals;
  constexpr int most_lanes = 64;
  constexpr std::size_t longest_batch = 10'000;
  require_schema_name(options.schema);
  require(options.write_lanes >= 1 && options.write_lanes <= most_lanes && options.read_lanes >= 1 &&
              options.read_lanes <= most_lanes,
          "The Postgres storage has 1 to 64 lanes that write and 1 to 64 that read.");
  require(options.statement_timeout >= 100ms && options.statement_timeout <= 1h,
          "The statement timeout of the Postgres storage is 100 ms to an hour.");
  require(options.queue >= 1, "The queue of a lane of the Postgres storage has room for at least 1 operation.");
  require(options.max_batch >= 1 && options.max_batch <= longest_batch,
          "A batch of the Postgres storage has 1 to 10,000 operations.");
  require(options.lease >= 1s && options.lease <= 24h, "A lease of the Postgres storage lasts 1 s to a day.");
}

namespace {

void require_in_horizon(WallTime due, WallTime now) {
  constexpr std::chrono::days horizon{5 * 366};
  if (due > now && due - now > horizon) {
    throw_error(errc::invalid_argument,
                "A send is due in more than five years, which the Postgres storage does not schedule. Use a send that "
                "comes back sooner, or look at the time's unit.");
  }
}

void require_storable(const ScheduledSend& send) {
  for (const auto* text : {&send.order_key, &send.reference, &send.payload, &send.idempotency_key,
                           &send.client_request_id, &send.cancel_on_reply, &send.annotations}) {
    if (!detail::is_storable_text(*text)) {
      throw_error(errc::invalid_argument, "A field of the scheduled send " + send.handle.to_string() +
                                              " is not UTF-8 or holds a NUL, which Postgres cannot store. JSON text "
                                              "escapes NUL as \\u0000.");
    }
  }
}

}  // namespace

void require_storable(const StoreChanges& changes, WallTime now) {
  for (const auto& send : changes.sends) {
    require_in_horizon(send.handle.due, now);
    require_storable(send);
  }
  for (const auto& dead : changes.dead) {
    require_storable(dead.send);
  }
  for (const auto& edit : changes.edits) {
    require_in_horizon(edit.new_due, now);
  }
  for (const auto& upsert : changes.upserts) {
    if (!detail::is_storable_text(upsert.document)) {
      throw_error(errc::invalid_argument, "The document \"" + upsert.key.substr(0, 80) +
                                              "\" is not UTF-8 or holds a NUL, which Postgres cannot store. JSON text "
                                              "escapes NUL as \\u0000.");
    }
  }
}

}  // namespace tern::detail::pg

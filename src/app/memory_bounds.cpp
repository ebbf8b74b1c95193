#include "app/memory_bounds.hpp"

#include "app/backend.hpp"
#include "app/config_values.hpp"
#include "app/token_authenticator.hpp"
#include "auth/jwt.hpp"
#include "connector/connector_client.hpp"
#include "direct_line/uploads.hpp"
#include "net/answer_reader.hpp"
#include "proactive/schedule/scheduler.hpp"
#include "runtime/reference_capture.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <sstream>
#include <thread>

namespace tern::app {

namespace {

constexpr std::uint64_t unbounded_bytes = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kib = 1U << 10;

std::uint64_t product(std::uint64_t a, std::uint64_t b) noexcept {
  return a != 0 && b > unbounded_bytes / a ? unbounded_bytes : a * b;
}

std::uint64_t total(std::uint64_t a, std::uint64_t b) noexcept {
  return b > unbounded_bytes - a ? unbounded_bytes : a + b;
}

// For a connection, besides head and body: input that is read ahead, a small answer, its coroutine.
constexpr std::uint64_t per_connection = 112 * kib;
// For a connection with TLS, besides: the state of OpenSSL with a record in each direction, and the certificate's bytes
// on their way.
constexpr std::uint64_t per_secured = 64 * kib;
// For a connection whose client has gone, besides head and body: the coroutine that waits for the handler.
constexpr std::uint64_t per_gone = 16 * kib;
// For a connection to a channel, besides the answer: the state of TLS. Memory of the kernel is not counted.
constexpr std::uint64_t per_outgoing = 64 * kib;
// For each byte of JSON: as a value, a number of two bytes takes sixteen, and arrays grow while they are read.
constexpr std::uint64_t parsed_for_byte = 10;
// For a turn, besides its activity and replies: its coroutines and its unit of work.
constexpr std::uint64_t per_turn = 16 * kib;
// For a scheduled send, besides its texts; and for a background task, besides its own data.
constexpr std::uint64_t per_send = 2 * kib;
constexpr std::uint64_t per_task = 16 * kib;
// A small document takes up to four times the bytes that are counted.
constexpr std::uint64_t storage_overhead = 4;
// For a known idempotency key: its texts, and the handle of its send.
constexpr std::uint64_t per_known_key = 2 * kib;
constexpr std::uint64_t known_keys = 1'000'000;
constexpr std::uint64_t dead_sends = 100'000;

std::uint64_t per_scheduled(const Settings& settings) noexcept {
  return settings.limits.body + settings.limits.reference + per_send;
}

void add_edge(const Settings& settings, const DescriptorPlan& descriptors, std::vector<MemoryBound>& bounds) {
  const auto& limits = settings.limits;
  const auto of_metrics = settings.metrics.port ? descriptors.metrics_connections : 0;
  bounds.push_back({"requests", "limits.connections, limits.header, limits.body, ulimit -n",
                    descriptors.connections + of_metrics, limits.header + limits.body + per_connection});
  if (!settings.listen.certificate.empty()) {
    bounds.push_back({"TLS of connections", "limits.connections, ulimit -n", descriptors.connections, per_secured});
  }
  bounds.push_back({"requests whose clients have gone", "limits.turns, limits.header, limits.body", limits.turns,
                    limits.header + limits.body + per_gone});
  bounds.push_back(
      {"activities of turns", "limits.turns, limits.body", limits.turns, parsed_for_byte * limits.body + per_turn});
  bounds.push_back({"replies of turns that stand in the response",
                    "limits.turns, limits.replies, limits.stream_buffer, limits.stream_replay", limits.turns,
                    std::max<std::uint64_t>(limits.replies, limits.stream_buffer + limits.stream_replay)});
  bounds.push_back({"background work", "limits.background_tasks", limits.background_tasks, per_task});
  bounds.push_back({"answers to what may be repeated", "limits.dedupe_bytes", 2, limits.dedupe_bytes});
  if (settings.direct_line.enabled) {
    bounds.push_back({"files of Direct Line that arrive", "limits.connections, limits.direct_line_upload, ulimit -n",
                      descriptors.connections, 2 * limits.direct_line_upload});
    bounds.push_back({"files of Direct Line that are sent", "limits.direct_line_downloads",
                      limits.direct_line_downloads, 3 * direct_line::Uploads::piece_bytes});
    bounds.push_back({"WebSockets of Direct Line", "limits.direct_line_sockets, limits.direct_line_unsent",
                      std::min<std::uint64_t>(limits.direct_line_sockets, descriptors.connections),
                      limits.direct_line_unsent + per_connection});
  }
  bounds.push_back({"the log", "log.buffer", 2, settings.log.buffer});
}

// Each of these has one request under way at a time, unless the bot sends several at the same time.
std::uint64_t senders(const Settings& settings, std::uint64_t shards) noexcept {
  const auto& limits = settings.limits;
  return total(total(limits.turns, limits.background_tasks),
               product(shards, limits.sends_in_flight + limits.continuations_in_flight));
}

void add_channels(const Settings& settings, std::uint64_t shards, const DescriptorPlan& descriptors,
                  std::vector<MemoryBound>& bounds) {
  const connector::ConnectorOptions options;
  const auto hosts = product(shards, settings.limits.connector_hosts);
  const auto most_at_once = senders(settings, shards);
  bounds.push_back(
      {"connections to channels and their answers",
       "limits.connector_hosts, connector.in_flight, listen.threads, ulimit -n",
       std::min({most_at_once, product(hosts, settings.connector.in_flight), std::uint64_t{descriptors.outgoing}}),
       options.response_body + net::AnswerReader::head_limit + net::AnswerReader::overhead_limit + per_outgoing});
  bounds.push_back({"requests that wait for a channel",
                    "limits.connector_hosts, limits.connector_waiting, limits.body, listen.threads",
                    std::min(most_at_once, product(hosts, settings.limits.connector_waiting)),
                    settings.limits.body + per_task});
}

void add_schedule(const Settings& settings, std::uint64_t shards, std::vector<MemoryBound>& bounds) {
  if (!settings.proactive.enabled) {
    return;
  }
  const proactive::SchedulerOptions options;
  bounds.push_back({"scheduled sends under way", "limits.sends_in_flight, limits.continuations_in_flight, limits.body",
                    product(shards, settings.limits.sends_in_flight + settings.limits.continuations_in_flight),
                    per_scheduled(settings)});
  constexpr std::uint64_t entries_of_each = 3;  // an entry is in the heap or held; both grow by doubling
  bounds.push_back({"scheduled sends due within 30 s", "listen.threads", product(shards, options.window_entries),
                    entries_of_each * sizeof(DueEntry)});
  constexpr std::uint64_t per_reference = 96;
  bounds.push_back({"references known to be stored", "listen.threads",
                    product(shards, runtime::ReferenceCapture::usual_capacity), per_reference});
}

void add_storage(const Settings& settings, std::vector<MemoryBound>& bounds) {
  const auto& limits = settings.limits;
  if (settings.storage.kind == "memory") {
    bounds.push_back(
        {"the memory storage: keys and documents", "limits.storage_bytes", storage_overhead, limits.storage_bytes});
    bounds.push_back({"the memory storage: pending sends", "limits.pending_sends, limits.body",
                      total(limits.pending_sends, dead_sends), per_scheduled(settings)});
    bounds.push_back({"the memory storage: keys of sends", "", known_keys, per_known_key});
    return;
  }
  const auto* backend = find_backend(settings.storage.kind);
  if (backend != nullptr && backend->bounds) {
    const auto own = backend->bounds(settings);
    bounds.insert(bounds.end(), own.begin(), own.end());
  }
  bounds.push_back({"operations that wait for the storage",
                    "limits.storage_queue, storage.write_lanes, storage.read_lanes",
                    product(limits.storage_queue, settings.storage.write_lanes + settings.storage.read_lanes),
                    per_scheduled(settings)});
}

// A token that is being checked: its text, its claims, and its coroutine.
constexpr std::uint64_t per_token = (1 + parsed_for_byte) * auth::max_token_size + per_task;
// A token that is known, with its claims; a shard keeps its text as well.
constexpr std::uint64_t per_known_token = 4 * kib;

void add_tokens(const Settings& settings, std::uint64_t shards, std::vector<MemoryBound>& bounds) {
  if (settings.bot.app_id.empty()) {
    return;
  }
  const auth::AuthenticatorOptions options = token_options(settings.bot);
  const std::uint64_t issuers = 1 + options.trust.tenants.size() + options.trust.cloud->tenants.size();
  bounds.push_back({"tokens that are known", "", options.kept_tokens, per_known_token});
  bounds.push_back({"tokens that a shard has seen lately", "listen.threads",
                    product(shards, auth::VerifiedTokens::own_capacity), per_known_token + auth::max_token_size});
  bounds.push_back({"tokens that wait for a key or for the check of their signature", "",
                    product(issuers, auth::KeySourceOptions().most_waiting) + options.verifications_waiting,
                    per_token});
}

}  // namespace

std::uint64_t MemoryBound::bytes() const noexcept {
  return product(count, each);
}

std::vector<MemoryBound> memory_bounds(const Settings& settings, std::size_t shards,
                                       const DescriptorPlan& descriptors) {
  std::vector<MemoryBound> bounds;
  add_edge(settings, descriptors, bounds);
  add_tokens(settings, shards, bounds);
  add_channels(settings, shards, descriptors, bounds);
  add_schedule(settings, shards, bounds);
  add_storage(settings, bounds);
  return bounds;
}

std::uint64_t sum_of(const std::vector<MemoryBound>& bounds) noexcept {
  std::uint64_t sum = 0;
  for (const auto& bound : bounds) {
    sum = total(sum, bound.bytes());
  }
  return sum;
}

namespace {

// The size with one decimal and a unit, for people.
std::string about(std::uint64_t bytes) {
  constexpr std::uint64_t step = 1024;
  const char* const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t unit = 0;
  auto value = static_cast<double>(bytes);
  for (; value >= step && unit + 1 < std::size(units); ++unit) {
    value /= step;
  }
  std::ostringstream text;
  text.precision(1);
  text << std::fixed << value << ' ' << units[unit];
  return text.str();
}

}  // namespace

std::string describe(const std::vector<MemoryBound>& bounds) {
  auto sorted = bounds;
  std::sort(sorted.begin(), sorted.end(),
            [](const MemoryBound& a, const MemoryBound& b) { return a.bytes() > b.bytes(); });
  std::ostringstream text;
  text << "Memory that the bounds allow, all reached at once, without the bot's own:\n";
  for (const auto& bound : sorted) {
    text << "  " << about(bound.bytes()) << "  " << bound.what << ": " << bound.count << " x " << about(bound.each)
         << (bound.keys.empty() ? "" : " (" + bound.keys + ")") << '\n';
  }
  text << "  " << about(sum_of(bounds)) << "  in all\n";
  return text.str();
}

std::size_t shard_count(const Settings& settings) noexcept {
  return settings.listen.threads > 0 ? settings.listen.threads : std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace tern::app

#include "proactive/references/gone_references.hpp"

#include "async/describe_error.hpp"
#include "turn/keys.hpp"

#include <tern/async/log.hpp>
#include <tern/schema/conversation_reference.hpp>
#include <tern/schema/parse.hpp>
#include <tern/schema/timestamp.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/json/serialize.hpp>

#include <string>
#include <utility>
#include <vector>

namespace tern::proactive {

namespace {

constexpr std::string_view gone_since = "goneSince";

std::optional<json::object> parse_object(std::string_view text) {
  auto parsed = parse_json(text);
  if (!parsed || !parsed->is_object()) {
    return std::nullopt;
  }
  return std::move(parsed->as_object());
}

/// Whose reference it is.
struct Whose {
  std::string channel;
  std::string user;
  std::string conversation;
};

std::optional<Whose> whose(const ScheduledSend& send) {
  auto fields = parse_object(send.reference);
  if (!fields) {
    return std::nullopt;
  }
  const ConversationReference reference(std::move(*fields));
  const auto user = reference.user();
  const auto conversation = reference.conversation_id();
  if (!user || !user->id() || !conversation) {
    return std::nullopt;
  }
  return Whose{std::string(reference.channel_id().value_or("")), std::string(*user->id()), std::string(*conversation)};
}

awaitable<void> mark(runtime::Runtime& runtime, detail::TurnEnvironment& environment, std::string channel,
                     std::string user, std::string conversation) {
  auto key = detail::reference_key(environment.bot_id, channel, user, conversation);
  auto storage = environment.storage;
  const auto by = Deadline::after(environment.storage_timeout, environment.clock);
  std::vector<std::string> keys{key};
  const auto items = co_await storage.read(std::move(keys), by);
  const auto* item = items.find(key);
  auto reference = item != nullptr ? parse_object(item->document) : std::nullopt;
  if (!reference || is_gone(*reference)) {
    co_return;
  }
  (*reference)[gone_since] = Timestamp::utc(environment.clock.wall_now()).text();
  StoreChanges changes;
  // A turn that writes it meanwhile knows better.
  changes.upserts.emplace_back(std::move(key), json::serialize(*reference), Expect::etag(item->etag));
  const auto written = co_await storage.write(std::move(changes), by);
  if (written.has_value()) {
    runtime.forget_reference(std::move(channel), std::move(user), std::move(conversation));
  }
}

}  // namespace

bool is_gone(const json::object& reference) {
  return reference.contains(gone_since);
}

awaitable<void> mark_found(detail::TurnEnvironment& environment, ScheduledSend send) {
  const auto of = whose(send);
  if (!of) {
    co_return;
  }
  auto key = detail::reference_key(environment.bot_id, of->channel, of->user, of->conversation);
  auto storage = environment.storage;
  const auto by = Deadline::after(environment.storage_timeout, environment.clock);
  std::vector<std::string> keys{key};
  const auto items = co_await storage.read(std::move(keys), by);
  const auto* item = items.find(key);
  auto reference = item != nullptr ? parse_object(item->document) : std::nullopt;
  if (!reference || !is_gone(*reference)) {
    co_return;
  }
  reference->erase(gone_since);
  StoreChanges changes;
  changes.upserts.emplace_back(std::move(key), json::serialize(*reference), Expect::etag(item->etag));
  (void)co_await storage.write(std::move(changes), by);  // refused: a turn that writes it meanwhile knows better
}

void mark_gone(executor ex, runtime::Runtime& runtime, detail::TurnEnvironment& environment,
               const ScheduledSend& send) {
  auto of = whose(send);
  if (!of) {
    return;
  }
  asio::co_spawn(ex,
                 mark(runtime, environment, std::move(of->channel), std::move(of->user), std::move(of->conversation)),
                 [](std::exception_ptr error) {
                   if (error) {
                     log::warn("a reference could not be marked as gone", {{"error", detail::describe(error)}});
                   }
                 });
}

}  // namespace tern::proactive

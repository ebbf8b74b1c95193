#include "direct_line/outbox.hpp"

#include "direct_line/calls.hpp"
#include "direct_line/random_text.hpp"

#include <tern/error.hpp>
#include <tern/schema/activity_types.hpp>
#include <tern/schema/timestamp.hpp>

#include <boost/asio/error.hpp>
#include <boost/json/serialize.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace tern::direct_line {

namespace {

[[noreturn]] void throw_no_conversation() {
  throw ChannelError(404, "ConversationNotFound", std::nullopt,
                     "The conversation has ended, or is older than limits.direct_line_age.");
}

[[noreturn]] void throw_not_supported(const char* what) {
  throw ChannelError(405, "NotSupported", std::nullopt, what);
}

[[noreturn]] void rethrow_for_bot(const std::exception_ptr& error, bool has_key) {
  try {
    std::rethrow_exception(error);
  } catch (const ChannelError&) {
    throw;
  } catch (const system_error& e) {
    if (e.code() == asio::error::operation_aborted) {
      throw;
    }
    const std::string what = "The store of Direct Line did not take the message: " + message_of(e);
    if (has_key) {
      throw_error(errc::channel_unreachable, what);  // safe to be tried again
    }
    throw AmbiguousSend(e.code(), what);
  }
}

}  // namespace

awaitable<ResourceResponse> Outbox::send(const Activity& activity, std::string request_id, Deadline by) {
  return send_as(activity, std::move(request_id), 0, by);
}

awaitable<void> Outbox::send_streamed(StreamedReply reply, Deadline by) {
  (void)co_await send_as(reply.activity, std::move(reply.run), reply.number, by);
}

awaitable<ResourceResponse> Outbox::send_as(const Activity& activity, std::string key, std::uint64_t number_in_run,
                                            Deadline by) {
  const std::string id(activity.conversation_id().value_or(""));
  if (!is_id(id)) {
    throw_no_conversation();
  }
  auto conversation = conversations_.at(id);
  if (activity.is(activity_types::typing)) {
    json::object shown = activity.json();
    const auto typing_id = id + "|typing-" + random_text(id_bytes / 2);
    shown.erase("serviceUrl");
    shown["id"] = typing_id;
    shown["timestamp"] = Timestamp::utc(clock_.wall_now()).text();
    co_await conversations_.show(std::move(conversation), json::serialize(shown), by);
    co_return ResourceResponse(typing_id);
  }
  NewActivity made{activity.json(), std::move(key), activity.is(activity_types::end_of_conversation)};
  made.number_in_run = number_in_run;
  const bool has_key = !made.key.empty();
  std::exception_ptr error;
  try {
    auto stored = co_await store(std::move(conversation), std::move(made), by);
    co_return ResourceResponse(stored);
  } catch (...) {
    error = std::current_exception();
  }
  rethrow_for_bot(error, has_key);
}

awaitable<std::string> Outbox::store(std::shared_ptr<Conversation> conversation, NewActivity activity, Deadline by) {
  if (json::serialize(activity.fields).size() > bounds_.message) {
    throw ChannelError(413, "MessageSizeTooBig", std::nullopt,
                       "The activity is larger than limits.direct_line_message.");
  }
  const auto head = co_await conversation->head(by);
  if (!head || head->ended) {
    throw_no_conversation();
  }
  const auto place = co_await conversation->append(std::move(activity), by);
  if (!place) {
    throw_no_conversation();
  }
  co_return activity_id(conversation->id(), place->seq);
}

awaitable<ResourceResponse> Outbox::update(const Activity&, Deadline) {
  throw_not_supported("Direct Line does not change activities. Send another one.");
}

awaitable<void> Outbox::remove(const ConversationReference&, Deadline) {
  throw_not_supported("Direct Line does not delete activities.");
}

awaitable<ConversationResourceResponse> Outbox::create_conversation(std::string, ConversationParameters, Deadline) {
  throw_not_supported("A conversation of Direct Line begins when a client begins it.");
}

bool Outbox::sends_to(std::string_view url) const noexcept {
  return url == direct_line::service_url;
}

}  // namespace tern::direct_line

#include "connector/connector_client.hpp"

#include "connector/connector_core.hpp"

#include "schema/find_member.hpp"
#include "turn/trust.hpp"

#include <utility>

namespace tern::connector {

namespace {

RequestParts parts(std::string_view method, std::optional<std::string_view> conversation,
                   std::optional<std::string_view> activity) {
  RequestParts made;
  made.method = method;
  made.conversation = conversation.value_or(std::string_view());
  made.activity = activity.value_or(std::string_view());
  return made;
}

/// The id of the account that stands there; "" without one. Lifetime: a view into `object`.
std::string_view account_id(const json::object& object, std::string_view name) noexcept {
  const json::value* member = tern::detail::find_member(object, name);
  const json::object* account = member != nullptr ? member->if_object() : nullptr;
  const json::value* id = account != nullptr ? tern::detail::find_member(*account, "id") : nullptr;
  const json::string* text = id != nullptr ? id->if_string() : nullptr;
  return text != nullptr ? std::string_view(*text) : std::string_view();
}

/// `callerId` says whom the token is for, and is not for the wire.
/// Source: Activity Protocol, "Caller ID".
void prepare(ConnectorCore& core, Call& call, const Activity& activity, RequestParts request) {
  std::optional<json::object> without_caller;
  request.body = &activity.json();
  if (tern::detail::find_member(activity.json(), "callerId") != nullptr) {
    without_caller.emplace(activity.json());
    without_caller->erase("callerId");
    request.body = &*without_caller;
  }
  const auto token = core.shows_tokens()
                         ? TokenFor{account_id(activity.json(), "from"), tern::detail::noted_caller(activity)}
                         : TokenFor();
  core.prepare(call, activity.service_url().value_or(std::string_view()), token, request);
}

void require_id(std::string_view id, const char* what) {
  if (!may_stand_in_path(id)) {
    throw_error(errc::invalid_argument, std::string("the ") + what + " is " +
                                            (id.empty() ? "missing" : "\"" + std::string(id) + "\"") +
                                            ", and cannot be part of a URL; nothing was sent");
  }
}

}  // namespace

ConnectorClient::ConnectorClient(asio::io_context& io, TimingWheel& wheel, Clock& clock, Metrics& metrics,
                                 ConnectorOptions options)
    : core_(std::make_shared<ConnectorCore>(io, wheel, clock, metrics, std::move(options))) {}

ConnectorClient::~ConnectorClient() {
  core_->abort();
}

awaitable<ResourceResponse> ConnectorClient::send(const Activity& activity, std::string request_id, Deadline by) {
  return send_if(activity, std::move(request_id), by, {});
}

awaitable<ResourceResponse> ConnectorClient::send_if(const Activity& activity, std::string request_id, Deadline by,
                                                     std::function<bool()> may_begin) {
  Call call(core_, by, std::move(may_begin));
  auto request = parts("POST", activity.conversation_id(), activity.reply_to_id());
  require_id(request.conversation, "conversation id");
  if (may_stand_in_path(request.activity)) {
    request.names_conversation = true;
  } else {
    request.activity = {};  // the user's client chose this id; the message arrives in the conversation without it
  }
  request.request_id = request_id;
  prepare(*core_, call, activity, request);
  co_await core_->perform(call);
  co_return ResourceResponse(call.answer());
}

awaitable<ResourceResponse> ConnectorClient::update(const Activity& activity, Deadline by) {
  Call call(core_, by);
  auto request = parts("PUT", activity.conversation_id(), activity.id());
  require_id(request.conversation, "conversation id");
  require_id(request.activity, "activity id");
  prepare(*core_, call, activity, request);
  co_await core_->perform(call);
  co_return ResourceResponse(call.answer());
}

awaitable<void> ConnectorClient::remove(const ConversationReference& reference, Deadline by) {
  Call call(core_, by);
  auto request = parts("DELETE", reference.conversation_id(), reference.activity_id());
  require_id(request.conversation, "conversation id");
  require_id(request.activity, "activity id");
  const auto caller = tern::detail::vouching_bot(reference.json().if_contains(tern::detail::trust_member));
  core_->prepare(call, reference.service_url().value_or(std::string_view()),
                 {account_id(reference.json(), "bot"), caller}, request);
  co_await core_->perform(call);
}

awaitable<ConversationResourceResponse> ConnectorClient::create_conversation(std::string service_url,
                                                                             ConversationParameters parameters,
                                                                             Deadline by) {
  Call call(core_, by);
  auto request = parts("POST", std::nullopt, std::nullopt);
  request.body = &parameters.json();
  core_->prepare(call, service_url, {account_id(parameters.json(), "bot"), {}}, request);
  co_await core_->perform(call);
  co_return ConversationResourceResponse(call.answer());
}

bool ConnectorClient::sends_to(std::string_view service_url) const noexcept {
  return core_->sends_to(service_url);
}

awaitable<bool> ConnectorClient::drain(Deadline by) {
  return core_->drain(by);
}

std::size_t ConnectorClient::connections() const noexcept {
  return core_->connections();
}

}  // namespace tern::connector

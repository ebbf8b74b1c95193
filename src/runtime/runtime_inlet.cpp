#include "runtime/runtime_inlet.hpp"

#include "runtime/awaited_reply.hpp"
#include "runtime/reply_events.hpp"
#include "schema/service_url.hpp"

#include <tern/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdint>
#include <utility>

namespace tern::runtime {

namespace {

std::shared_ptr<const Identity> identity_of_channel(const std::string& address) {
  Identity made;
  made.kind = Identity::Kind::channel;
  made.app_id = address;
  return std::make_shared<const Identity>(std::move(made));
}

void take_answer(TurnResult& result, const json::value& answer) {
  const auto* fields = answer.if_object();
  const auto* status = fields != nullptr ? fields->if_contains("status") : nullptr;
  if (status == nullptr || !status->is_int64()) {
    return;
  }
  const auto* body = fields->if_contains("body");
  result.invoke_response.emplace(static_cast<int>(status->get_int64()), body != nullptr ? *body : json::value());
}

// The answer to an invoke is the last of its replies.
void take_replies(TurnResult& result, std::string_view body) {
  auto parsed = parse_own_json(body);
  for (auto& one : parsed.as_object().at("activities").as_array()) {
    result.replies.emplace_back(std::move(one.as_object()));
  }
  if (!result.replies.empty() && result.replies.back().is(activity_types::invoke_response)) {
    if (const auto* value = std::as_const(result.replies.back()).value()) {
      take_answer(result, *value);
    }
    result.replies.pop_back();
  }
}

TurnResult result_of(const TurnReply& reply) {
  TurnResult result;
  result.outcome = reply.outcome;
  result.reason = reply.why;
  result.retry_after = reply.retry_after;
  if (reply.invoke_status != 0) {
    result.invoke_response.emplace(reply.invoke_status,
                                   reply.body.empty() ? json::value() : parse_own_json(reply.body));
  } else if (!reply.body.empty()) {
    take_replies(result, reply.body);
  }
  return result;
}

// The turn's own reply says how it has ended; a repetition of a turn that has ended reads all from the stream.
awaitable<TurnResult> read_stream(AwaitedReply& awaited, ChannelInlet::OnReply on_reply) {
  ReplyEvents events(std::move(awaited.replies));
  auto refused = co_await events.begin();
  if (refused) {
    co_return result_of(*refused);
  }
  TurnResult streamed;
  std::uint64_t number = 0;
  for (;;) {
    auto event = co_await events.next();
    if (!event) {
      break;
    }
    if (event->name == "invokeResponse") {
      take_answer(streamed, parse_own_json(event->data));
    } else if (event->name == "activity" && on_reply) {
      StreamedReply reply{Activity(std::move(parse_own_json(event->data).as_object())), events.run(), ++number};
      auto taken = on_reply(std::move(reply));
      co_await std::move(taken);
    } else if (event->name == "activity") {
      streamed.replies.emplace_back(std::move(parse_own_json(event->data).as_object()));
    }
  }
  if (!awaited.reply) {
    co_await awaited.wait();
  }
  if (awaited.reply && awaited.reply->outcome != TurnOutcome::done) {
    auto failed = result_of(*awaited.reply);
    failed.replies = std::move(streamed.replies);
    co_return failed;
  }
  co_return streamed;
}

}  // namespace

RuntimeInlet::RuntimeInlet(TurnReceiver& turns, ShardPool& shards, std::string address)
    : turns_(turns), shards_(shards), address_(std::move(address)), itself_(identity_of_channel(address_)) {}

void RuntimeInlet::check(Activity& activity) const {
  if (activity.type().empty()) {
    throw_error(errc::invalid_argument, "The channel " + address_ + " has brought an activity without a type.");
  }
  if (activity.conversation_id().value_or("").empty()) {
    throw_error(errc::invalid_argument,
                "The channel " + address_ + " has brought an activity without a conversation.id.");
  }
  const auto url = std::as_const(activity).service_url();
  if (!url) {
    activity.set_service_url(address_);
  } else if (!detail::is_address_of(address_, *url) || !detail::is_channel_address(*url)) {
    throw_error(errc::invalid_argument, "The channel " + address_ +
                                            " has brought an activity with another serviceUrl. Use the address of the "
                                            "channel, or one below it.");
  }
  if (std::as_const(activity).json().if_contains("callerId") != nullptr) {
    activity.json().erase("callerId");
  }
}

std::shared_ptr<const Identity> RuntimeInlet::sign(std::optional<Identity> caller) const {
  if (!caller) {
    return itself_;
  }
  caller->kind = Identity::Kind::channel;
  caller->app_id = address_;
  return std::make_shared<const Identity>(std::move(*caller));
}

awaitable<TurnResult> RuntimeInlet::receive(Activity activity, std::optional<Identity> caller, OnReply on_reply) {
  check(activity);
  auto signed_by = sign(std::move(caller));
  const auto here = co_await this_coro::executor;
  auto* const shard = Shard::current();
  if (shard != nullptr && here == shard->ex()) {
    auto result = co_await receive_on(shard->index(), std::move(activity), std::move(signed_by), std::move(on_reply));
    co_return result;
  }
  auto on_a_shard = receive_on(0, std::move(activity), std::move(signed_by), std::move(on_reply));
  auto result = co_await asio::co_spawn(shards_[0].io(), std::move(on_a_shard), asio::use_awaitable);
  co_return result;
}

awaitable<TurnResult> RuntimeInlet::receive_on(std::size_t shard, Activity activity,
                                               std::shared_ptr<const Identity> caller, OnReply on_reply) {
  AwaitedReply awaited;
  TurnRequest turn;
  turn.activity = std::move(activity);
  turn.caller = std::move(caller);
  turn.origin = shard;
  turn.observer = awaited.observer();
  turns_.receive(std::move(turn));
  if (!awaited.filled()) {
    co_await awaited.wait();
  }
  if (awaited.replies) {
    auto streamed = co_await read_stream(awaited, std::move(on_reply));
    co_return streamed;
  }
  co_return result_of(*awaited.reply);
}

}  // namespace tern::runtime

#include "runtime/turn.hpp"

#include "runtime/refusal.hpp"
#include "runtime/shard_runtime.hpp"
#include "runtime/turn_trail.hpp"
#include "schema/spare_text.hpp"
#include "turn/trust.hpp"
#include "turn/turn_access.hpp"
#include "turn/unit_of_work.hpp"

#include <tern/error.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <utility>

namespace tern::runtime {

namespace {

constexpr std::string_view replies_begin = R"({"activities":[)";

TurnReply failed_reply() noexcept {
  return {TurnOutcome::failed, "The bot failed while it handled the activity."};
}

}  // namespace

Delivery delivery_of(std::string_view mode) noexcept {
  if (mode == delivery_modes::expect_replies) {
    return Delivery::buffer;
  }
  return mode == delivery_modes::stream ? Delivery::stream : Delivery::channel;
}

Turn::Turn(ShardRuntime& home, detail::TurnEnvironment& environment, Activity&& activity,
           const detail::ActivityHead& head, const ConversationKey& conversation)
    : Queued(conversation),
      context(home.slots().begin(environment, std::move(activity), head.id, *this)),
      home_(home),
      type_(TurnTimes::index_of(head.type)),
      delivery_(delivery_of(head.delivery_mode)),
      is_invoke_(head.type == activity_types::invoke) {
  if (delivery_ == Delivery::stream) {
    stream_ = std::make_shared<StreamedReplies>(home.options().stream_buffer, home.options().stream_replay,
                                                environment.clock);
  }
}

Turn::~Turn() {
  home_.slots().end(context);
}

std::shared_ptr<detail::TurnTrail> Turn::trail() {
  return std::make_shared<TurnTrail>(home_.slots().shared_from_this(), context, stream_, own_bot);
}

const json::value* Turn::vouched_by() const noexcept {
  return continued ? continued->reference.json().if_contains(detail::trust_member) : nullptr;
}

void Turn::add_observer(std::unique_ptr<TurnObserver> observer, std::size_t origin) {
  if (!observers_.first.observer) {
    observers_.first = {std::move(observer), origin};
  } else if (observer) {
    observers_.others.push_back({std::move(observer), origin});
  }
}

Turn::Observers Turn::take_observers() {
  return std::exchange(observers_, Observers());
}

bool Turn::wants_answer() const noexcept {
  return delivery_ == Delivery::buffer || (is_invoke_ && delivery_ != Delivery::stream);
}

bool Turn::is_committing() noexcept {
  return !undone && detail::TurnAccess::has_unit_of_work(context) &&
         detail::TurnAccess::unit_of_work(context).is_committing();
}

std::string_view Turn::name() const noexcept {
  return continued ? std::string_view(continued->id) : context.activity().id().value_or("");
}

Turn::Name Turn::running_name() const {
  const auto& activity = context.activity();
  return {std::string(activity.channel_id().value_or("")), std::string(activity.conversation_id().value_or("")),
          continued ? "continuation" : std::string(activity.type())};
}

void Turn::take(Activity activity) {
  if (stream_) {
    stream_->add(json::serialize(activity.json()));
    return;
  }
  const auto before = replies_.size();
  collect(activity);
  if (replies_.size() > home_.options().replies) {
    replies_.resize(before);
    throw_error(errc::overloaded,
                "The replies of this turn are more than one response may hold (limits.replies). Send less, or raise "
                "that limit.");
  }
}

void Turn::collect(const Activity& activity) {
  if (replies_.empty()) {
    replies_ = detail::spare_text();
    replies_ += replies_begin;
  } else {
    replies_ += ',';
  }
  detail::append_json(replies_, activity.json());
}

TurnReply Turn::take_reply(bool failed) {
  if (failed) {
    return failed_reply();
  }
  if (is_invoke_ && mended && !context.invoke_response()) {
    // Not 501, which would say that the bot does not know this invoke.
    context.set_invoke_response(InvokeResponse(500, json::parse(error_text(failed_reply()))));
  }
  const auto& response = context.invoke_response();
  if (delivery_ == Delivery::buffer) {
    if (is_invoke_) {
      auto answer_activity =
          response ? Activity::invoke_response(response->status, response->body) : Activity::invoke_response(501);
      context.address(answer_activity);
      collect(answer_activity);
    }
    if (replies_.empty()) {
      replies_ = replies_begin;
    }
    replies_ += "]}";
    return TurnReply(std::move(replies_));
  }
  if (!is_invoke_) {
    return {};
  }
  if (!response) {
    return TurnReply::to_invoke(501);
  }
  return TurnReply::to_invoke(response->status,
                              response->body.is_null() ? std::string() : json::serialize(response->body));
}

void Turn::on_expired() noexcept {
  home_.on_expired(*this);
}

}  // namespace tern::runtime

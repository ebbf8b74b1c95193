#include "testing/world_impl.hpp"

#include <tern/schema/parse.hpp>
#include <tern/testing/user.hpp>

#include <boost/json/serialize.hpp>

#include <utility>

namespace tern::test {

namespace {

/// What it was answered with in the end; nullptr when nothing has come yet.
const runtime::TurnReply* reply_of(const TurnAnswer& answer) noexcept {
  if (answer.reply) {
    return &*answer.reply;
  }
  return answer.plain ? &*answer.plain : nullptr;
}

std::string line_of(const json::value& value) {
  return value.is_null() ? "(empty)" : json::serialize(value);
}

}  // namespace

Answer::Answer(World& world, std::string activity_id, std::shared_ptr<TurnAnswer> answer)
    : world_(&world), activity_id_(std::move(activity_id)), answer_(std::move(answer)) {}

bool Answer::has_come() const {
  return reply_of(*answer_) != nullptr || answer_->stream_ended;
}

const Answer& Answer::wait(std::source_location where) const {
  world_->run_until([this] { return has_come(); }, where);
  return *this;
}

int Answer::status(std::source_location where) const {
  if (!has_come()) {
    throw Mismatch("the answer to " + activity_id_ +
                       " has not come yet. The bot waits: for the clock, which `advance` moves, or for another thread, "
                       "which `wait` waits for.",
                   where);
  }
  const auto* reply = reply_of(*answer_);
  return reply != nullptr ? static_cast<int>(reply->status) : 200;  // a stream that has ended
}

json::value Answer::body(std::source_location where) const {
  (void)status(where);
  const auto* reply = reply_of(*answer_);
  if (reply == nullptr || reply->body.empty()) {
    return nullptr;
  }
  auto body = parse_json(reply->body);
  if (!body) {
    throw Mismatch("the answer to " + activity_id_ + " is no JSON: " + reply->body, where);
  }
  return std::move(*body);
}

std::vector<Activity> Answer::activities() const {
  return activities_in(*answer_);
}

const Answer& Answer::expect_status(int expected, std::source_location where) const {
  const auto came = status(where);
  if (came != expected) {
    const auto* reply = reply_of(*answer_);
    throw Mismatch("the answer to " + activity_id_ + " has another status\n" +
                       difference({std::to_string(expected)},
                                  {std::to_string(came) + (reply != nullptr ? " " + reply->body : std::string())}),
                   where);
  }
  return *this;
}

const Answer& Answer::expect_body(const json::value& expected, std::source_location where) const {
  const auto came = body(where);
  if (came != expected) {
    throw Mismatch(
        "the answer to " + activity_id_ + " has another body\n" + difference({line_of(expected)}, {line_of(came)}),
        where);
  }
  return *this;
}

}  // namespace tern::test

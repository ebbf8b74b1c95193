#include "testing/world_impl.hpp"

#include <tern/schema/parse.hpp>
#include <tern/testing/user.hpp>

#include <boost/json/serialize.hpp>

#include <utility>

namespace tern::test {

namespace {

std::string line_of(const json::value& value) {
  return value.is_null() ? "(empty)" : json::serialize(value);
}

}  // namespace

Answer::Answer(World& world, std::string activity_id, std::shared_ptr<TurnAnswer> answer)
    : world_(&world), activity_id_(std::move(activity_id)), answer_(std::move(answer)) {}

bool Answer::has_come() const {
  return answer_->has_come();
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
  return static_cast<int>(answer_->status());
}

json::value Answer::body(std::source_location where) const {
  (void)status(where);
  const auto text = answer_->body();
  if (text.empty()) {
    return nullptr;
  }
  auto body = parse_json(text);
  if (!body) {
    throw Mismatch("the answer to " + activity_id_ + " is no JSON: " + text, where);
  }
  return std::move(*body);
}

std::vector<Activity> Answer::activities() const {
  return activities_in(*answer_);
}

const Answer& Answer::expect_status(int expected, std::source_location where) const {
  const auto came = status(where);
  if (came != expected) {
    const auto text = answer_->body();
    throw Mismatch("the answer to " + activity_id_ + " has another status\n" +
                       difference({std::to_string(expected)},
                                  {std::to_string(came) + (text.empty() ? std::string() : " " + text)}),
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

#pragma once

#include <tern/async/timer.hpp>
#include <tern/turn/channel_sender.hpp>

#include <boost/json/serialize.hpp>

#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <string>
#include <vector>

namespace tern::test {

/// What was asked of a `RecordingSender`.
struct SentCall {
  SentCall(std::string o, Activity a, std::string r)
      : op(std::move(o)), activity(std::move(a)), request_id(std::move(r)) {}
  std::string op;  ///< "send", "update", "remove" or "create"
  Activity activity;
  std::string request_id;
};

/// A channel inside the test: remembers what is sent, answers with ids `sent-1`, `sent-2`, ..., takes as long as it
/// is told to by the test's clock, and fails as it is told to.
class RecordingSender final : public ChannelSender {
 public:
  explicit RecordingSender(Clock& clock) : clock_(clock) {}

  std::vector<SentCall> calls;
  std::chrono::milliseconds takes{0};
  /// Failures for the next sends, in order; nullptr lets one pass.
  std::deque<std::exception_ptr> failures;
  /// When set: what the channel makes of a send halfway through; an exception refuses it.
  std::function<void(const Activity&)> judge;
  /// When set: the only serviceUrl that sends are begun to.
  std::string only_to;
  std::size_t under_way = 0;
  std::size_t most_under_way = 0;

  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const auto& call : calls) {
      if (call.op == "send" && call.activity.is(activity_types::message)) {
        all.emplace_back(call.activity.text());
      }
    }
    return all;
  }
  std::size_t count(std::string_view type) const {
    std::size_t found = 0;
    for (const auto& call : calls) {
      found += call.activity.is(type) ? 1 : 0;
    }
    return found;
  }

  bool sends_to(std::string_view service_url) const noexcept override {
    return only_to.empty() || service_url == only_to;
  }
  awaitable<ResourceResponse> send(const Activity& activity, std::string request_id, Deadline) override {
    return answer("send", activity, std::move(request_id));
  }
  awaitable<ResourceResponse> update(const Activity& activity, Deadline) override {
    return answer("update", activity, {});
  }
  awaitable<void> remove(const ConversationReference& reference, Deadline) override {
    calls.emplace_back("remove", Activity(reference.json()), "");
    co_return;
  }
  awaitable<ConversationResourceResponse> create_conversation(std::string service_url, ConversationParameters,
                                                              Deadline) override {
    calls.emplace_back("create", Activity().set_service_url(service_url), "");
    json::object made;
    made["id"] = "made-" + std::to_string(calls.size());
    co_return ConversationResourceResponse(std::move(made));
  }

 private:
  awaitable<ResourceResponse> answer(std::string op, Activity activity, std::string request_id) {
    ++under_way;
    most_under_way = std::max(most_under_way, under_way);
    struct Leave {
      std::size_t& count;
      ~Leave() { --count; }
    } leave{under_way};
    calls.emplace_back(std::move(op), std::move(activity), std::move(request_id));
    const bool is_judged = judge && calls.back().op == "send";
    const auto judged = is_judged ? calls.back().activity : Activity();
    if (takes > std::chrono::milliseconds::zero()) {
      co_await sleep_for(takes / 2, clock_);
    }
    if (is_judged) {
      judge(judged);
    }
    if (takes > std::chrono::milliseconds::zero()) {
      co_await sleep_for(takes - takes / 2, clock_);
    }
    if (!failures.empty()) {
      auto failure = failures.front();
      failures.pop_front();
      if (failure) {
        std::rethrow_exception(failure);
      }
    }
    json::object response;
    response["id"] = "sent-" + std::to_string(calls.size());
    co_return ResourceResponse(std::move(response));
  }

  Clock& clock_;
};

}  // namespace tern::test

#include <tern/testing/channel.hpp>

#include <tern/async/timer.hpp>
#include <tern/error.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace tern::test {

namespace {

constexpr int least_error = 400;
constexpr int most_error = 599;
constexpr std::size_t no_end = static_cast<std::size_t>(-1);

int require_error(int status) {
  if (status < least_error || status > most_error) {
    throw_error(errc::invalid_argument,
                "A fault of the channel has a status from 400 to 599, not " + std::to_string(status) + ".");
  }
  return status;
}

}  // namespace

Fault Fault::status(int status, std::string code) {
  Fault made(Kind::status);
  made.status_ = require_error(status);
  made.code_ = std::move(code);
  return made;
}

Fault Fault::gateway(int status) {
  Fault made(Kind::gateway);
  made.status_ = require_error(status);
  return made;
}

Fault Fault::refuse() {
  return Fault(Kind::refuse);
}

Fault Fault::close() {
  return Fault(Kind::close);
}

Fault Fault::hang() {
  return Fault(Kind::hang);
}

Fault Fault::slow(std::chrono::milliseconds duration) {
  Fault made(Kind::slow);
  made.duration_ = duration;
  return made;
}

Fault& Fault::retry_after(std::chrono::milliseconds wait) {
  retry_after_ = wait;
  return *this;
}

Fault& Fault::lost() {
  lost_ = true;
  return *this;
}

Fault& Fault::nth(std::size_t n) {
  if (n == 0) {
    throw_error(errc::invalid_argument, "The requests of a fault are counted from 1.");
  }
  first_ = n;
  return *this;
}

Fault& Fault::times(std::size_t count) {
  count_ = count;
  return *this;
}

Fault& Fault::always() {
  return times(no_end);
}

Fault& Fault::when(std::function<bool(const Activity&)> matches) {
  matches_.push_back(std::move(matches));
  return *this;
}

Fault& Fault::text(std::string part) {
  return when([part = std::move(part)](const Activity& activity) {
    return activity.is(activity_types::message) && activity.text().find(part) != std::string_view::npos;
  });
}

Fault& Fault::conversation(std::string id) {
  return when([id = std::move(id)](const Activity& activity) { return activity.conversation_id() == id; });
}

Channel::Channel(ManualClock& clock) : clock_(clock) {}

Channel& Channel::order(Fault fault) {
  ordered_.push_back({std::move(fault)});
  return *this;
}

void Channel::heal() {
  ordered_.clear();
}

std::vector<Activity> Channel::arrived() const {
  std::vector<Activity> all;
  for (const auto& call : calls_) {
    if (call.arrived && call.kind == ChannelCall::Kind::send) {
      all.push_back(call.activity);
    }
  }
  return all;
}

std::vector<std::string> Channel::texts() const {
  std::vector<std::string> all;
  for (const auto& call : calls_) {
    if (call.arrived && call.kind == ChannelCall::Kind::send && call.activity.is(activity_types::message)) {
      all.emplace_back(call.activity.text());
    }
  }
  return all;
}

void Channel::note_arrived(Activity activity) {
  ChannelCall call;
  call.activity = std::move(activity);
  call.at = clock_.wall_now();
  call.arrived = true;
  calls_.push_back(std::move(call));
}

std::optional<Fault> Channel::next_fault(const Activity& activity) {
  std::optional<Fault> found;
  for (auto at = ordered_.begin(); at != ordered_.end();) {
    const auto& all = at->fault.matches_;
    if (!std::all_of(all.begin(), all.end(), [&](const auto& matches) { return matches(activity); })) {
      ++at;
      continue;
    }
    ++at->seen;
    const bool due = at->seen >= at->fault.first_;
    if (due && !found) {
      found = at->fault;
    }
    const bool spent = due && at->fault.count_ != no_end && at->seen + 1 >= at->fault.first_ + at->fault.count_;
    at = spent ? ordered_.erase(at) : std::next(at);
  }
  return found;
}

// Only what the channel does besides answering; a slow one answers afterwards.
awaitable<void> Channel::fail(Fault fault, std::size_t index, Deadline by) {
  switch (fault.kind_) {
    case Fault::Kind::status:
      throw ChannelError(fault.status_, fault.code_, fault.retry_after_, "ordered by the test");
    case Fault::Kind::gateway:
      throw ChannelError(fault.status_, "", fault.retry_after_, "", ChannelError::By::stranger);
    case Fault::Kind::refuse:
      throw_error(errc::channel_unreachable, "the channel takes no connection, as the test has ordered");
    case Fault::Kind::close:
      calls_[index].arrived = !fault.lost_;
      throw AmbiguousSend(errc::channel_unreachable, "the channel closed the connection, as the test has ordered");
    case Fault::Kind::hang:
      calls_[index].arrived = !fault.lost_;
      co_await sleep_for(by.remaining(clock_), clock_);
      throw AmbiguousSend(errc::timed_out, "the channel did not answer in time, as the test has ordered");
    case Fault::Kind::slow:
      co_await sleep_for(std::min<SteadyTime::duration>(fault.duration_, by.remaining(clock_)), clock_);
      if (by.expired(clock_)) {
        calls_[index].arrived = true;
        throw AmbiguousSend(errc::timed_out, "the channel did not answer in time, as the test has ordered");
      }
      break;
  }
}

awaitable<std::size_t> Channel::take(ChannelCall call, Deadline by) {
  struct UnderWay {
    explicit UnderWay(std::size_t& counted) : count(counted) { ++count; }
    ~UnderWay() { --count; }
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;
    std::size_t& count;
  };
  const UnderWay under_way(under_way_);
  auto fault = next_fault(call.activity);
  const auto index = calls_.size();
  call.at = clock_.wall_now();
  calls_.push_back(std::move(call));
  if (fault) {
    co_await fail(std::move(*fault), index, by);
  }
  calls_[index].arrived = true;
  co_return index;
}

awaitable<ResourceResponse> Channel::send(const Activity& activity, std::string request_id, Deadline by) {
  ChannelCall call;
  call.activity = activity;
  call.request_id = std::move(request_id);
  const auto index = co_await take(std::move(call), by);
  const auto id = "sent-" + std::to_string(index + 1);
  calls_[index].activity.set_id(id);
  co_return ResourceResponse(id);
}

awaitable<ResourceResponse> Channel::update(const Activity& activity, Deadline by) {
  ChannelCall call;
  call.kind = ChannelCall::Kind::update;
  call.activity = activity;
  const std::string id(activity.id().value_or(""));
  co_await take(std::move(call), by);
  co_return ResourceResponse(id);
}

awaitable<void> Channel::remove(const ConversationReference& reference, Deadline by) {
  ChannelCall call;
  call.kind = ChannelCall::Kind::remove;
  call.activity.set_id(reference.activity_id().value_or(""));
  if (auto conversation = reference.conversation()) {
    call.activity.set_conversation(std::move(*conversation));
  }
  co_await take(std::move(call), by);
}

awaitable<ConversationResourceResponse> Channel::create_conversation(std::string service_url,
                                                                     ConversationParameters parameters, Deadline by) {
  ChannelCall call;
  call.kind = ChannelCall::Kind::create;
  if (auto first = parameters.activity()) {
    call.activity = std::move(*first);
  }
  call.activity.set_service_url(service_url);
  const auto index = co_await take(std::move(call), by);
  json::object made;
  made["id"] = "created-" + std::to_string(index + 1);
  made["serviceUrl"] = service_url;
  co_return ConversationResourceResponse(std::move(made));
}

}  // namespace tern::test

#include <tern/testing/world.hpp>

#include "proactive/send_views.hpp"
#include "testing/run_on.hpp"
#include "testing/world_impl.hpp"

#include <tern/error.hpp>
#include <tern/schema/timestamp.hpp>

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <utility>

namespace tern::test {

namespace {

Pending pending_of(const ScheduledSend& send) {
  const auto view = proactive::view_of(send);
  Pending one;
  one.handle = view.handle;
  one.due = view.next_try();
  one.conversation_id = view.reference.conversation_id().value_or("");
  one.text = view.activity ? view.activity->text() : "";
  one.continuation = view.continuation;
  return one;
}

std::string describe(const Pending& one) {
  const auto what = one.continuation.empty() ? "\"" + one.text + "\"" : "the continuation " + one.continuation;
  return "  " + Timestamp::utc(one.due).text() + " to " + one.conversation_id + ": " + what + "\n";
}

// The value of a line of the Prometheus text format that is of this series; nullopt when it is of another.
std::optional<double> value_in(std::string_view line, std::string_view name) {
  if (!line.starts_with(name) || line.size() <= name.size()) {
    return std::nullopt;
  }
  const bool all_labels = line[name.size()] == '{';
  const auto space = line.find(' ', all_labels ? line.find('}') : name.size());
  if ((!all_labels && line[name.size()] != ' ') || space == std::string_view::npos) {
    return std::nullopt;
  }
  return std::strtod(std::string(line.substr(space + 1)).c_str(), nullptr);
}

}  // namespace

World::World(BotFactory factory, Options options)
    : impl_(std::make_unique<Impl>(std::move(factory), std::move(options))) {}

World::~World() = default;

Channel& World::channel() noexcept {
  return impl_->channel;
}

Store& World::storage() noexcept {
  return impl_->storage;
}

ManualClock& World::clock() noexcept {
  return impl_->clock;
}

Proactive& World::proactive() noexcept {
  return *impl_->here().proactive;
}

Metrics& World::metrics() noexcept {
  return impl_->here().metrics;
}

void World::settle() {
  impl_->settle();
}

// From one timer to the next, so that each wakes when the clock shows its time.
void World::advance(SteadyTime::duration duration) {
  if (duration < SteadyTime::duration::zero()) {
    throw_error(errc::invalid_argument, "Time goes on; advance takes no negative duration.");
  }
  auto& clock = impl_->clock;
  const auto end = clock.now() + duration;
  settle();
  while (clock.next_due() <= end) {
    clock.advance(std::max(SteadyTime::duration::zero(), clock.next_due() - clock.now()));
    settle();
  }
  clock.advance(end - clock.now());
  settle();
}

void World::advance_to(WallTime when) {
  if (when < now()) {
    throw_error(errc::invalid_argument, "Time goes on; the moment that advance_to was given has passed.");
  }
  advance(when - now());
}

void World::run_until(const std::function<bool()>& is_so, std::source_location where) {
  if (!impl_->run_until(is_so)) {
    throw Mismatch("the bot has not come to what was waited for. Does it wait for the clock? Then move the clock on.",
                   where);
  }
}

void World::run_work(awaitable<void> work, const std::source_location& where) {
  struct End {
    bool came = false;
    std::exception_ptr error;
  };
  auto end = std::make_shared<End>();
  asio::co_spawn(impl_->here().io(), std::move(work), [end](std::exception_ptr error) {
    end->came = true;
    end->error = std::move(error);
  });
  if (!impl_->run_until([&end] { return end->came; })) {
    throw Mismatch("the coroutine has not ended. Does it wait for the clock, which stands still meanwhile?", where);
  }
  if (end->error) {
    std::rethrow_exception(end->error);
  }
}

// From the store itself: this is no operation of the bot.
std::vector<Pending> World::pending() {
  std::vector<Pending> all;
  SendQuery query;
  query.limit = 1'000;
  do {
    auto page = test::run(impl_->store->inner().list_sends(query, Deadline::never()));
    std::transform(page.sends.begin(), page.sends.end(), std::back_inserter(all), pending_of);
    query.after = page.next;
  } while (!query.after.empty());
  return all;
}

void World::expect_nothing_pending(std::source_location where) {
  std::string left;
  for (const auto& one : pending()) {
    left += describe(one);
  }
  for (const auto& replica : impl_->replicas) {
    if (replica && replica->runtime->turns_in_flight() > 0) {
      left += "  open turns: " + std::to_string(replica->runtime->turns_in_flight()) + "\n";
    }
    if (replica && replica->runtime->background_tasks() > 0) {
      left += "  background work that goes on: " + std::to_string(replica->runtime->background_tasks()) + "\n";
    }
  }
  if (!left.empty()) {
    throw Mismatch("this is pending, and nothing was to be:\n" + left, where);
  }
}

ChannelInlet& World::inlet(std::string_view address) {
  return impl_->here().channels.at(address);
}

std::optional<double> World::figure(const std::string& name) {
  const auto text = metrics().expose();
  std::optional<double> sum;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    if (const auto value = value_in(std::string_view(text).substr(begin, end - begin), name)) {
      sum = sum.value_or(0) + *value;
    }
    begin = end + 1;
  }
  return sum;
}

void World::restart() {
  const auto replica = impl_->route;
  if (impl_->replicas[replica]) {
    kill(replica);
  }
  start(replica);
}

void World::route_to(std::size_t replica) {
  if (replica >= impl_->replicas.size()) {
    throw_error(errc::invalid_argument, "The world has " + std::to_string(impl_->replicas.size()) +
                                            " replicas, counted from 0; see WorldOptions::replicas.");
  }
  impl_->route = replica;
}

void World::kill(std::size_t replica) {
  if (replica >= impl_->replicas.size() || !impl_->replicas[replica]) {
    throw_error(errc::invalid_argument, "There is no replica " + std::to_string(replica) + " that runs.");
  }
  impl_->replicas[replica].reset();
}

void World::start(std::size_t replica) {
  if (replica >= impl_->replicas.size() || impl_->replicas[replica]) {
    throw_error(errc::invalid_argument, "There is no replica " + std::to_string(replica) + " that was killed.");
  }
  if (!impl_->store->traits().shared) {
    test::run(impl_->store->release_all());
  }
  impl_->start(replica);
  settle();
}

}  // namespace tern::test

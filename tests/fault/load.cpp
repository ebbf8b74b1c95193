#include "fault/load.hpp"

#include "fault/stall_count.hpp"
#include "support/run.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <optional>

namespace tern::fault {

struct Load::State {
  State(AnyStorage on, std::chrono::milliseconds limit) : store(std::move(on)), deadline(limit) {
    shards.start();
    stall_count.emplace(shards);
  }
  ~State() {
    stall_count.reset();
    shards.stop();
  }

  struct Conversation {
    std::string key;
    long confirmed = 0;
    long tried = 0;
  };

  void ended() {
    const std::lock_guard lock(mutex);
    --running;
    changed.notify_all();
  }

  /// Lets every conversation end its turn.
  void stop() {
    stopped = true;
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return running == 0; });
  }

  void note(SteadyTime begun, const system_error* error) {
    const auto ended = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex);
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(ended - begun);
    report.longest = std::max(report.longest, took);
    if (error == nullptr) {
      ++report.done;
    } else {
      ++report.failed;
      ++report.codes[error->code()];
      ++report.errors[error->code().message() + " | " + error->what()];
      report.last_failure = ended;
    }
    changed.notify_all();
  }

  AnyStorage store;
  const std::chrono::milliseconds deadline;
  std::vector<Conversation> conversations;
  std::atomic<bool> stopped = false;
  std::mutex mutex;
  std::condition_variable changed;
  LoadReport report;        ///< guarded by `mutex`
  std::size_t running = 0;  ///< likewise
  runtime::ShardPool shards{1, system_clock()};
  std::optional<StallCount> stall_count;
};

namespace {

long number_in(const StoreItems& items) {
  return items.empty() ? 0 : std::strtol(items.begin()->document.c_str(), nullptr, 10);
}

template <class State, class Conversation>
awaitable<void> turn(State& state, Conversation& conversation) {
  const auto by = Deadline::after(state.deadline);
  std::vector<std::string> keys(1, conversation.key);
  auto items = co_await state.store.read(std::move(keys), by);
  const auto number = number_in(items) + 1;
  StoreChanges changes;
  changes.upserts.emplace_back(conversation.key, std::to_string(number),
                               items.empty() ? Expect::absent() : Expect::etag(items.begin()->etag));
  conversation.tried = number;
  auto written = co_await state.store.write(std::move(changes), by);
  if (written.has_value()) {
    conversation.confirmed = number;
  }
}

template <class State, class Conversation>
awaitable<void> talk(State& state, Conversation& conversation) {
  asio::steady_timer pause(state.shards[0].io());
  while (!state.stopped) {
    const auto begun = std::chrono::steady_clock::now();
    bool failed = false;
    try {
      co_await turn(state, conversation);
      state.note(begun, nullptr);
    } catch (const system_error& error) {
      state.note(begun, &error);
      failed = true;
    }
    if (failed) {
      // As a channel would: not at once again.
      pause.expires_after(std::chrono::milliseconds(5));
      co_await pause.async_wait(asio::deferred);
    }
  }
}

}  // namespace

Load::Load(AnyStorage store, int conversations, std::chrono::milliseconds deadline)
    : state_(std::make_unique<State>(std::move(store), deadline)) {
  for (int i = 0; i < conversations; ++i) {
    state_->conversations.push_back({"load/" + std::to_string(i), 0, 0});
  }
  state_->running = state_->conversations.size();
  for (auto& conversation : state_->conversations) {
    asio::co_spawn(state_->shards[0].io(), talk(*state_, conversation),
                   [state = state_.get()](std::exception_ptr error) {
                     state->ended();
                     if (error) {
                       std::terminate();  // only a mistake of the test ends a conversation so
                     }
                   });
  }
}

Load::~Load() {
  state_->stop();
}

bool Load::wait_until(std::function<bool(const LoadReport&)> wanted, std::chrono::seconds patience) {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(lock, patience, [&] { return wanted(state_->report); });
}

const StallCount& Load::stall_count() const noexcept {
  return *state_->stall_count;
}

void Load::mark() {
  const std::lock_guard lock(state_->mutex);
  state_->report = LoadReport();
}

LoadReport Load::report() const {
  const std::lock_guard lock(state_->mutex);
  return state_->report;
}

std::vector<std::string> Load::stop_and_check() {
  state_->stop();
  std::vector<std::string> wrong;
  for (const auto& conversation : state_->conversations) {
    const auto items = test::run(state_->store.read({conversation.key}, Deadline::after(std::chrono::seconds(20))));
    const auto found = number_in(items);
    if (found < conversation.confirmed || found > conversation.tried) {
      wrong.push_back(conversation.key + ": confirmed " + std::to_string(conversation.confirmed) + ", tried " +
                      std::to_string(conversation.tried) + ", found " + std::to_string(found));
    }
  }
  return wrong;
}

}  // namespace tern::fault

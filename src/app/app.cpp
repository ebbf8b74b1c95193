#include <tern/app/app.hpp>

#include "app/app_impl.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <utility>

namespace tern {

namespace {

constexpr std::chrono::seconds open_timeout{30};
constexpr std::chrono::seconds close_timeout{2};

// Runs `work` on the first shard and waits for it. Call it on the owner's thread, which is not a shard.
template <class T>
T run_and_wait(runtime::Shard& shard, awaitable<T> work) {
  return asio::co_spawn(shard.io(), std::move(work), asio::use_future).get();
}

}  // namespace

App::App(Settings settings, BotFactory factory, Options options)
    : impl_(std::make_unique<Impl>(std::move(settings), std::move(factory), std::move(options))) {}

App::~App() {
  if (impl_->running) {
    stop();
  }
  auto& progress = *impl_->assembly.progress;
  progress.enter(app::StopPhase::parts);
  progress.give_up_shards();
}

void App::start() {
  auto& all = impl_->assembly;
  all.shards.start();
  impl_->running = true;
  try {
    run_and_wait(all.shards[0], all.open(Deadline::after(open_timeout, all.clock)));
    all.listen();
  } catch (...) {
    run_and_wait(all.shards[0], all.give_up(Deadline::after(close_timeout, all.clock)));
    all.abort();
    impl_->running = false;
    throw;
  }
  all.announce();
}

bool App::stop() {
  auto& all = impl_->assembly;
  if (!std::exchange(impl_->running, false)) {
    return true;
  }
  all.say_not_ready();
  log::info("draining",
            {{"delay_ms", all.settings.drain.delay.count()}, {"deadline_ms", all.settings.drain.deadline.count()}});
  const bool clean = run_and_wait(all.shards[0], all.drain());
  all.progress->enter(app::StopPhase::threads);
  all.abort();
  log::info("stopped", {{"clean", clean}});
  return clean;
}

std::uint16_t App::port() const {
  return impl_->assembly.port();
}
std::uint16_t App::metrics_port() const {
  return impl_->assembly.metrics_port();
}
Proactive& App::proactive() const {
  return *impl_->assembly.proactive;
}
Metrics& App::metrics() const {
  return impl_->assembly.metrics;
}
ChannelInlet& App::inlet(std::string_view address) const {
  return impl_->assembly.channels.at(address);
}
std::future<void> App::post(std::function<awaitable<void>()> work) const {
  return impl_->assembly.poster->post(std::move(work));
}
std::future<void> App::post(ConversationReference conversation, BackgroundWork work) const {
  return impl_->assembly.poster->post(std::move(conversation), std::move(work));
}

}  // namespace tern

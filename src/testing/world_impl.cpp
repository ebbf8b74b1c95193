#include "testing/world_impl.hpp"

#include "app/own_parts.hpp"
#include "app/part_options.hpp"
#include "testing/activity_request.hpp"
#include "testing/run_on.hpp"

#include <tern/error.hpp>
#include <tern/schema/parse.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace tern::test {

namespace {

// As a program reads them, but nothing of the machine: no file, no environment, no command line.
Settings settings_of(ConfigDefaults wanted, const OwnKeys& own, bool has_authenticator) {
  constexpr std::array<const char*, 1> program{"test"};
  wanted.insert(wanted.begin(), ConfigDefault("proactive.enabled", true));
  return load_config(static_cast<int>(program.size()), program.data(), wanted, Environment(), own, has_authenticator)
      .settings;
}

// A world may be moved on by weeks at once: what a bot of the machine looks for every second or so is looked for less
// often here, where nothing but the test moves the clock.
proactive::SchedulerOptions unhurried(proactive::SchedulerOptions options, bool shared) {
  options.window = std::chrono::hours(24);
  options.longest_sleep = std::chrono::minutes(1);
  options.sweep = std::chrono::hours(1);
  options.watch_interval = std::chrono::hours(1);
  options.late_poll = shared ? std::chrono::milliseconds(500) : std::chrono::hours(1);
  return options;
}

void refuse(TurnAnswer& answer, unsigned status, std::string body) {
  answer.refused.emplace(TurnAnswer::Refusal{status, std::move(body)});
  answer.replies = 1;
}

// As the edge does with a bot that has an authenticator.
awaitable<void> ask_and_receive(BotProcess* process, Activity activity, ActivityRequest request,
                                std::shared_ptr<TurnAnswer> answer) {
  app::Callers::Check check(*process->callers, request, activity, request.body());
  if (check.waits()) {
    co_await check.wait();
  }
  if (!check.accepted()) {
    auto refused = check.refusal();
    refuse(*answer, refused.status, std::move(refused.body));
    co_return;
  }
  auto caller = check.take_identity();
  process->receive(std::move(activity), std::move(caller), answer);
  process->read(answer);
}

}  // namespace

World::Impl::Impl(BotFactory factory_of_bots, Options wanted)
    : factory(std::move(factory_of_bots)),
      options(std::move(wanted)),
      settings(settings_of(options.settings, options.keys, static_cast<bool>(options.authenticator))),
      clock(options.start),
      channel(clock),
      store(std::make_shared<WorldStore>(clock, options.replicas > 1)),
      storage(std::shared_ptr<StoreFaults>(store, &store->faults)),
      replicas(std::max<std::size_t>(1, options.replicas)) {
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    start(i);
  }
}

BotProcess& World::Impl::here() {
  if (!replicas[route]) {
    throw_error(errc::invalid_argument, "Replica " + std::to_string(route) +
                                            " was killed and is not reached any more. Start it again, or route to "
                                            "another.");
  }
  return *replicas[route];
}

void World::Impl::start(std::size_t replica) {
  BotProcessOptions made;
  made.runtime = app::runtime_options(settings, options.one_per_turn);
  made.proactive_enabled = settings.proactive.enabled;
  made.scheduling = unhurried(app::scheduler_options(settings), store->traits().shared);
  made.limits = app::send_limits(settings.send_limits);
  made.send_timeout = settings.connector.request_timeout;
  if (options.channel_sender) {
    made.make_own_sender = [this](BotProcess& process, ChannelSender& of_test) {
      return app::make_own_sender(options.channel_sender,
                                  {settings, process.metrics, clock, process.shards[0].ex(), of_test});
    };
  }
  made.make_channels = [this](BotProcess& process, ChannelSender& of_test, ChannelSender& others) {
    process.channels = app::Channels(options.channels);
    if (!process.channels.empty()) {
      process.channels.make_senders({settings, process.metrics, clock, process.shards[0].ex(), of_test}, others);
    }
  };
  const auto make_bot = [this](BotProcess& process) { return factory(context_of(process)); };
  replicas[replica] =
      std::make_unique<BotProcess>(make_bot, std::move(made), clock, channel, AnyStorage::make<WorldStorage>(store));
  if (options.authenticator) {
    auto& process = *replicas[replica];
    process.runtime->environment(0).checks_callers = true;
    process.callers = std::make_unique<app::Callers>(
        app::make_own_authenticator(options.authenticator, context_of(process)), clock, process.metrics);
  }
}

void World::Impl::settle() {
  std::size_t ran = 1;
  while (ran > 0) {
    ran = 0;
    for (auto& replica : replicas) {
      ran += replica ? replica->settle() : 0;
    }
  }
  note_messages_in_answers();
}

bool World::Impl::run_until(const std::function<bool()>& is_so) {
  constexpr std::chrono::milliseconds turn_about{2};
  const auto until = std::chrono::steady_clock::now() + options.patience;
  settle();
  while (!is_so()) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= std::chrono::steady_clock::duration::zero()) {
      return false;
    }
    for (auto& replica : replicas) {
      if (replica) {
        replica->io().restart();
        // One alone is waited for; several are asked in turn.
        replica->io().run_one_for(replicas.size() == 1 ? left : std::min<decltype(left)>(left, turn_about));
      }
    }
    settle();
  }
  return true;
}

std::shared_ptr<TurnAnswer> World::Impl::receive(const Activity& activity, const Fields& headers) {
  auto& process = here();
  auto body = json::serialize(activity.json());
  auto parsed = parse_activity(body);
  auto answer = std::make_shared<TurnAnswer>();
  if (!parsed) {
    refuse(*answer, 400, error_body(parsed.error().code, parsed.error().message));
    return answer;
  }
  const auto delivery = parsed->delivery_mode().value_or("");
  const bool brings_messages = delivery == delivery_modes::expect_replies || delivery == delivery_modes::stream;
  if (process.callers) {
    asio::co_spawn(process.io(),
                   ask_and_receive(&process, std::move(*parsed), ActivityRequest(std::move(body), headers), answer),
                   [](std::exception_ptr) {});  // only of a process that ends
  } else {
    process.receive(std::move(*parsed), nullptr, answer);
    process.read(answer);
  }
  if (brings_messages) {
    answers_with_messages_.push_back(answer);
  }
  settle();
  return answer;
}

WallTime World::Impl::new_timestamp() {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(clock.wall_now());
  last_timestamp_ = std::max<WallTime>(now, last_timestamp_ + std::chrono::milliseconds(1));
  return last_timestamp_;
}

std::vector<Activity> World::Impl::messages_in(const std::string& channel_id,
                                               const std::string& conversation_id) const {
  auto all = channel.arrived();
  std::erase_if(all, [&](const Activity& activity) {
    return !activity.is(activity_types::message) || activity.conversation_id() != conversation_id ||
           activity.channel_id().value_or(channel_id) != channel_id;
  });
  return all;
}

void World::Impl::note_messages_in_answers() {
  std::erase_if(answers_with_messages_, [this](const std::shared_ptr<TurnAnswer>& answer) {
    if (!answer->has_come()) {
      return false;
    }
    for (auto& activity : activities_in(*answer)) {
      if (!activity.is(activity_types::invoke_response)) {
        channel.note_arrived(std::move(activity));
      }
    }
    return true;
  });
}

std::vector<Activity> activities_in(const TurnAnswer& answer) {
  std::vector<Activity> all;
  const auto add = [&all](std::string_view text) {
    auto value = parse_json(text);
    if (value && value->is_object()) {
      all.emplace_back(std::move(value->get_object()));
    }
  };
  constexpr std::string_view event = "event: activity\ndata: ";
  const std::string_view streamed = answer.streamed;
  for (auto at = streamed.find(event); at != std::string_view::npos; at = streamed.find(event, at + 1)) {
    const auto begin = at + event.size();
    add(streamed.substr(begin, streamed.find('\n', begin) - begin));
  }
  if (answer.reply && !answer.reply->body.empty()) {
    if (auto body = parse_json(answer.reply->body); body && body->is_object()) {
      const auto* listed = body->get_object().if_contains("activities");
      if (listed != nullptr && listed->is_array()) {
        for (const auto& one : listed->get_array()) {
          add(json::serialize(one));
        }
      }
    }
  }
  return all;
}

}  // namespace tern::test

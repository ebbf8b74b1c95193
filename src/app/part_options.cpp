#include "app/part_options.hpp"

#include <string>

namespace tern::app {

runtime::RuntimeOptions runtime_options(const Settings& settings, bool one_per_turn) {
  runtime::RuntimeOptions options;
  options.ack_after = settings.turn.ack_after;
  options.deadline = settings.turn.deadline;
  options.longest = settings.turn.longest;
  options.ordered = settings.turn.order == "conversation";
  options.turns = settings.limits.turns;
  options.conversation_queue = settings.limits.conversation_queue;
  options.replies = settings.limits.replies;
  options.stream_buffer = settings.limits.stream_buffer;
  options.stream_replay = settings.limits.stream_replay;
  options.background_tasks = settings.limits.background_tasks;
  options.dedupe_bytes = settings.limits.dedupe_bytes;
  options.dedupe_window = settings.limits.dedupe_window;
  options.reference_bytes = settings.limits.reference;
  options.capture_references = settings.proactive.enabled;
  options.bot_per_turn = one_per_turn;
  return options;
}

proactive::SchedulerOptions scheduler_options(const Settings& settings) {
  proactive::SchedulerOptions options;
  options.in_flight = settings.limits.sends_in_flight;
  options.continuations = settings.limits.continuations_in_flight;
  options.reply_patience = settings.turn.reply_patience;
  options.policy.longest_retry_after = settings.limits.retry_after;
  return options;
}

proactive::SendLimits send_limits(const SendLimitSettings& settings) {
  const auto read = [](const char* name, const std::string& text) {
    const auto limits = proactive::ChannelLimits::parse(text);
    if (!limits) {
      throw ConfigError("send_limits." + std::string(name) + " is \"" + text +
                        "\"; write windows such as conversation=7/1s,60/30s tenant=50/1s, or none.");
    }
    return *limits;
  };
  proactive::SendLimits limits;
  limits.channels["msteams"] = read("msteams", settings.msteams);
  limits.channels["slack"] = read("slack", settings.slack);
  limits.channels["telegram"] = read("telegram", settings.telegram);
  limits.channels["directline"] = read("directline", settings.directline);
  limits.others = read("others", settings.others);
  limits.slow_start = settings.slow_start;
  return limits;
}

}  // namespace tern::app

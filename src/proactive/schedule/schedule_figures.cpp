#include "proactive/schedule/schedule_figures.hpp"

namespace tern::proactive {

namespace {

Histogram lateness(Metrics& metrics, const char* part) {
  return metrics.histogram("tern_schedule_lateness_seconds",
                           "What makes scheduled sends late: from due to ready, held back by limits, on the way.",
                           {0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300}, {{"part", part}});
}

Counter throttles(Metrics& metrics, const char* scope) {
  return metrics.counter("tern_429_total", "Answers 429, by what they were taken to freeze.", {{"scope", scope}});
}

Counter refusals(Metrics& metrics, const char* what) {
  return metrics.counter("tern_refused_sends_total", "Answers to scheduled sends that refuse, by what they speak of.",
                         {{"what", what}});
}

Gauge open_circuits(Metrics& metrics, const char* of) {
  return metrics.gauge("tern_open_circuits",
                       "Hosts and tenants that do not answer scheduled sends and are tried with one at a time.",
                       {{"of", of}});
}

Counter dead_sends(Metrics& metrics, const char* reason) {
  return metrics.counter("tern_dead_sends_total", "Scheduled sends that were given up, by reason.",
                         {{"reason", reason}});
}

}  // namespace

ScheduleFigures::ScheduleFigures(Metrics& metrics)
    : sent(metrics.counter("tern_scheduled_sends_total", "Scheduled sends by outcome.", {{"outcome", "sent"}})),
      retried(metrics.counter("tern_scheduled_sends_total", "Scheduled sends by outcome.", {{"outcome", "retry"}})),
      dead(metrics.counter("tern_scheduled_sends_total", "Scheduled sends by outcome.", {{"outcome", "dead"}})),
      expired(metrics.counter("tern_scheduled_sends_total", "Scheduled sends by outcome.", {{"outcome", "expired"}})),
      possible_duplicates(metrics.counter("tern_possible_duplicates_total",
                                          "Sends that are tried again though they may have arrived.")),
      refused(metrics.counter("tern_stale_outcomes_total", "Outcomes refused because another owner came.")),
      suspects(metrics.counter("tern_suspect_continuations_total",
                               "Continuations that had begun when a process died, run again alone.")),
      throttled_conversation(throttles(metrics, "conversation")),
      throttled_tenant(throttles(metrics, "tenant")),
      throttled_bot(throttles(metrics, "bot")),
      said_unauthorized(refusals(metrics, "bot")),
      said_barred(refusals(metrics, "conversation_barred")),
      said_gone(refusals(metrics, "conversation_gone")),
      said_astray(refusals(metrics, "way")),
      dead_gone(dead_sends(metrics, "conversation_gone")),
      dead_rejected(dead_sends(metrics, "rejected")),
      dead_once(dead_sends(metrics, "at_most_once")),
      dead_too_late(dead_sends(metrics, "gave_up")),
      dead_other(dead_sends(metrics, "other")),
      pauses(metrics.counter("tern_bot_pauses_total",
                             "Times that a bot began to rest, or to rest longer, because all its sends were refused.")),
      tries(metrics.counter("tern_circuit_tries_total",
                            "Scheduled sends that tried a host which had not answered the one before.")),
      open_hosts(open_circuits(metrics, "host")),
      open_tenants(open_circuits(metrics, "tenant")),
      waiting_for_share(metrics.gauge("tern_sends_waiting_for_share",
                                      "Scheduled sends that are due and wait in memory for a share of the places.")),
      late_by_scheduler(lateness(metrics, "scheduler")),
      late_by_limiter(lateness(metrics, "limiter")),
      late_by_connector(lateness(metrics, "connector")) {}

void ScheduleFigures::throttled(Limiter::Frozen what) noexcept {
  switch (what) {
    case Limiter::Frozen::conversation:
      throttled_conversation.inc();
      return;
    case Limiter::Frozen::tenant:
      throttled_tenant.inc();
      return;
    case Limiter::Frozen::bot:
      throttled_bot.inc();
      return;
  }
}

void ScheduleFigures::refused_by_channel(Verdict::Refusal what) noexcept {
  switch (what) {
    case Verdict::Refusal::unauthorized:
      said_unauthorized.inc();
      return;
    case Verdict::Refusal::barred:
      said_barred.inc();
      return;
    case Verdict::Refusal::gone:
      said_gone.inc();
      return;
    case Verdict::Refusal::astray:
      said_astray.inc();
      return;
    case Verdict::Refusal::none:
    case Verdict::Refusal::throttled:
      return;
  }
}

// The words are those of docs/proactive-http.md.
void ScheduleFigures::given_up(std::string_view reason) noexcept {
  dead.inc();
  if (reason == conversation_gone) {
    dead_gone.inc();
  } else if (reason.starts_with("rejected with ")) {
    dead_rejected.inc();
  } else if (reason.starts_with("it may have arrived") || reason.starts_with("its handler failed")) {
    dead_once.inc();
  } else if (reason.starts_with("gave up after ")) {
    dead_too_late.inc();
  } else {
    dead_other.inc();
  }
}

void ShownShares::show(std::size_t open_hosts, std::size_t open_tenants, std::size_t waiting) {
  const auto add = [](Gauge& gauge, std::size_t& shown, std::size_t now) {
    if (shown != now) {
      gauge.add(static_cast<double>(now) - static_cast<double>(shown));
      shown = now;
    }
  };
  add(figures_.open_hosts, open_hosts_, open_hosts);
  add(figures_.open_tenants, open_tenants_, open_tenants);
  add(figures_.waiting_for_share, waiting_, waiting);
}

}  // namespace tern::proactive

// Beside the reference offline server of npm, which its clients must poll.

#include "directline/clients.hpp"
#include "directline/figures.hpp"
#include "directline/parts.hpp"
#include "directline/server_side.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>

namespace bench {

namespace {

constexpr double warm_up = 2;  // seconds

struct Outcome {
  DeliveryFigures delivery;
  double cpu_us = 0;  // of all servers, for a message
};

Outcome measure(const DirectLineTask& task, const DirectLineServer& server, Delivery delivery, std::size_t count,
                const std::function<double()>& cpu) {
  const auto rate = std::max<std::size_t>(1, count / 10);
  DirectLineClients clients({server}, delivery, count);
  clients.begin();
  clients.follow();
  (void)clients.measure(rate, warm_up, 0);
  const auto before = cpu();
  Outcome outcome;
  outcome.delivery = clients.measure(rate, task.seconds, 0);
  outcome.cpu_us = (cpu() - before) * 1e6 / static_cast<double>(outcome.delivery.messages);
  return outcome;
}

Outcome by_tern(const DirectLineTask& task, Delivery delivery, std::size_t count) {
  DirectLineBot bot(task, "echo_bot", count, {});
  auto outcome = measure(task, bot.server(), delivery, count, [&] { return bot.process().cpu().total; });
  return outcome;
}

Outcome by_offline(const DirectLineTask& task, std::size_t count) {
  const OfflineServer offline(task);
  return measure(task, offline.server(), Delivery::polling, count, [&] { return offline.cpu(); });
}

void add(RoundTable& table, const std::string& name, const Outcome& outcome) {
  table.add(name + ": the answer", outcome.delivery.answer);
  table.add(name + ": processor time for a message", outcome.cpu_us, "us");
}

void round(const DirectLineTask& task, std::size_t count, RoundTable& table) {
  const auto sockets = by_tern(task, Delivery::sockets, count);
  const auto polling = by_tern(task, Delivery::polling, count);
  const auto offline = by_offline(task, count);
  add(table, "Tern, WebSockets", sockets);
  add(table, "Tern, polling", polling);
  add(table, "offline-directline, polling", offline);
  table.add("offline-directline / Tern with WebSockets: p99", offline.delivery.answer.p99 / sockets.delivery.answer.p99,
            "");
  table.add("  processor time", offline.cpu_us / sockets.cpu_us, "");
  table.add("offline-directline / Tern with polling: p99", offline.delivery.answer.p99 / polling.delivery.answer.p99,
            "");
  table.add("  processor time, both polling", offline.cpu_us / polling.cpu_us, "");
  const auto faults = [](const DeliveryFigures& figures) { return figures.failed + figures.missing + figures.twice; };
  table.none("Tern: refused, missing or twice", faults(sockets.delivery) + faults(polling.delivery));
  table.add("offline-directline: refused, missing or twice", static_cast<double>(faults(offline.delivery)), "");
}

}  // namespace

bool compare_with_offline(const DirectLineTask& task) {
  bool met = true;
  for (const auto count : task.conversations) {
    std::printf(
        "\n%zu conversations, %zu messages a second, echo_bot; clients that poll ask once a second; medians of "
        "%zu rounds\n",
        count, std::max<std::size_t>(1, count / 10), task.rounds);
    RoundTable table;
    for (std::size_t i = 0; i < task.rounds; ++i) {
      round(task, count, table);
    }
    met = table.print() && met;
  }
  return met;
}

}  // namespace bench

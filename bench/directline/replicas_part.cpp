// Two replicas on one PostgreSQL: what happens at one of them is shown at the sockets of the other.

#include "directline/clients.hpp"
#include "directline/figures.hpp"
#include "directline/parts.hpp"
#include "directline/server_side.hpp"

#include <cstdio>

namespace bench {

namespace {

constexpr double most_ms = 300;
constexpr double answered_after = 3;  // as `proactive_bot` does

void round(const DirectLineTask& task, RoundTable& table) {
  const RoundStore store(task, "postgres");
  DirectLineBot first(task, "proactive_bot", task.replica_sockets, store.settings());
  auto settings = store.settings();
  settings.emplace_back("proactive.enabled=false");  // so that every send fires at the first
  DirectLineBot second(task, "proactive_bot", task.replica_sockets, settings);
  DirectLineClients clients({first.server(), second.server()}, Delivery::sockets, task.replica_sockets);
  clients.begin();
  clients.follow();
  const auto figures = clients.measure(task.replica_rate, task.seconds, answered_after);
  table.add("a message to A: shown at A", figures.message);
  table.add("  shown at B", figures.message_there, most_ms);
  table.add("  at B behind A", figures.message_behind);
  table.add("a send that fires at A, after it is due: shown at A", figures.answer);
  table.add("  shown at B after it is due", figures.answer_there, most_ms);
  table.add("  it is shown at B behind A", figures.answer_behind, most_ms);
  table.none("messages refused", figures.failed);
  table.none("messages and sends missing", figures.missing);
  table.none("shown twice", figures.twice);
  table.none("sockets lost", figures.lost);
  first.process().stop();
  second.process().stop();
}

}  // namespace

bool measure_replicas(const DirectLineTask& task) {
  std::printf(
      "\ntwo replicas on one PostgreSQL, %zu conversations with a socket at each, %zu messages and sends a "
      "second; medians of %zu rounds\n",
      task.replica_sockets, task.replica_rate, task.rounds);
  RoundTable table;
  for (std::size_t i = 0; i < task.rounds; ++i) {
    round(task, table);
  }
  return table.print();
}

}  // namespace bench

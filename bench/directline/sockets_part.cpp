// Very many open WebSockets: what they cost at rest, and when messages come to them.

#include "directline/clients.hpp"
#include "directline/figures.hpp"
#include "directline/parts.hpp"
#include "directline/server_side.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

namespace bench {

namespace {

constexpr double most_ms = 100;
constexpr double most_kib = 16;
constexpr std::chrono::seconds rest{1};  // for a bot that has just opened very many sockets

void round(const DirectLineTask& task, std::size_t rate, RoundTable& table) {
  const RoundStore store(task, task.store);
  DirectLineBot bot(task, "echo_bot", task.sockets, store.settings());
  DirectLineClients clients({bot.server()}, Delivery::sockets, task.sockets);
  const auto kib_each = [&, none = bot.process().resident()] {
    std::this_thread::sleep_for(rest);
    return (bot.process().resident() - none) / 1024 / static_cast<double>(task.sockets);
  };
  clients.begin();
  const auto conversation = kib_each();
  clients.follow();
  const auto idle = kib_each();
  const auto cpu = bot.process().cpu().total;
  const auto figures = clients.measure(rate, task.seconds, 0);
  const auto each = (bot.process().cpu().total - cpu) * 1e6 / static_cast<double>(figures.messages);
  table.add("a message, back at its sender", figures.message, most_ms);
  table.add("the answer", figures.answer, most_ms);
  table.add("the load was late, p99", figures.load.p99, "ms");
  table.add("memory of an idle socket, with its conversation", idle, "KiB", most_kib);
  table.add("  of that the conversation, without the socket", conversation, "KiB");
  table.add("memory of a socket after the load", kib_each(), "KiB", most_kib);
  table.add("processor time of the bot for a message", each, "us");
  table.none("messages refused", figures.failed);
  table.none("messages and answers missing", figures.missing);
  table.none("shown twice", figures.twice);
  table.none("sockets lost", figures.lost);
  bot.process().stop();
}

}  // namespace

bool measure_sockets(const DirectLineTask& task) {
  const auto rate = task.rate > 0 ? task.rate : std::max<std::size_t>(1, task.sockets / 10);
  std::printf("\n%zu open WebSockets, %zu messages a second in all; echo_bot, storage %s; medians of %zu rounds\n",
              task.sockets, rate, task.store.c_str(), task.rounds);
  RoundTable table;
  for (std::size_t i = 0; i < task.rounds; ++i) {
    round(task, rate, table);
  }
  return table.print();
}

}  // namespace bench

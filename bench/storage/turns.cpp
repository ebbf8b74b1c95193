#include "storage/turns.hpp"

#include "turn/exchange.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <cstdio>
#include <memory>
#include <random>
#include <stdexcept>

namespace bench {

namespace {

/// A figure of /metrics. One that is missing is no zero: a bench that asks for a wrong name must not say that all is
/// well.
double figure(std::uint16_t port, const std::string& name) {
  namespace asio = boost::asio;
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  socket.connect({asio::ip::address_v4::loopback(), port});
  asio::write(socket,
              asio::buffer(std::string("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")));
  std::string text;
  boost::system::error_code ended;
  asio::read(socket, asio::dynamic_buffer(text), ended);
  const auto line = text.find("\n" + name + " ");
  if (line == std::string::npos) {
    throw std::runtime_error("state_bot has no " + name + " in its /metrics");
  }
  return std::stod(text.substr(line + name.size() + 2));
}

struct Running {
  Running(const TurnStore& of, const TurnSettings& settings) : store(of), metrics_port(free_port()) {
    std::vector<std::string> command{settings.state_bot,
                                     "--set",
                                     "listen.port=@port@",
                                     "--set",
                                     "listen.threads=1",
                                     "--set",
                                     "metrics.port=" + std::to_string(metrics_port)};
    for (const auto& setting : store.settings) {
      command.emplace_back("--set");
      command.push_back(setting);
    }
    bot = std::make_unique<Contestant>(std::move(command), settings.logs + "/state_bot-" + store.name + ".log",
                                       std::nullopt);
  }

  /// Over all rounds: a machine that others share has fast and slow seconds, and the middle one of a few rounds is of
  /// the one kind for the one store and of the other for the next.
  double of(double Measurement::* member) const {
    double sum = 0;
    for (const auto& round : rounds) {
      sum += round.*member;
    }
    return sum / static_cast<double>(rounds.size());
  }

  TurnStore store;
  std::uint16_t metrics_port;
  std::unique_ptr<Contestant> bot;
  std::vector<Measurement> rounds;
};

bool summarise(const Running& one, const Running& base) {
  const double ratio = one.of(&Measurement::total_us) / base.of(&Measurement::total_us);
  const double per_second = one.of(&Measurement::per_second);
  const double stalls = figure(one.metrics_port, "tern_shard_stalls_total");
  const bool cheap = one.store.most == 0 || ratio <= one.store.most;
  const bool fast = per_second >= one.store.least_per_second;
  std::printf("  %-9s %9.2f %9.2f %9.0f %8.2f %7.0f   ", one.store.name.c_str(), one.of(&Measurement::total_us),
              one.of(&Measurement::system_us), per_second, ratio, stalls);
  if (one.store.most > 0) {
    std::printf("at most %.1f: %s", one.store.most, cheap ? "met" : "MISSED");
  }
  if (one.store.least_per_second > 0) {
    std::printf("; at least %.0f turns/s: %s", one.store.least_per_second, fast ? "met" : "MISSED");
  }
  std::puts(stalls > 0 ? "; a shard STALLED" : "");
  std::fflush(stdout);
  return cheap && fast && stalls == 0;
}

std::string random_prefix() {
  std::random_device device;
  return std::to_string(device()) + std::to_string(device()) + '-';
}

}  // namespace

bool compare_turns(const std::vector<TurnStore>& stores, const TurnSettings& settings) {
  std::printf("\nTurns of state_bot over HTTP, %u conversations at once, one shard; %u rounds of %u s each\n",
              settings.load.conversations, settings.rounds, settings.load.seconds);
  std::printf("The load and, where there is one, the server of the database share the machine's cores.\n\n");
  std::vector<std::unique_ptr<Running>> running;
  for (const auto& store : stores) {
    running.push_back(std::make_unique<Running>(store, settings));
  }
  for (unsigned round = 0; round <= settings.rounds; ++round) {
    for (auto& one : running) {
      auto load = settings.load;
      load.seconds = round == 0 ? 1 : load.seconds;
      const auto measured = one->bot->measure(Mode::replies, "http://127.0.0.1:9", random_prefix(), load);
      if (round > 0) {  // the first one touches memory and makes connections for the first time
        one->rounds.push_back(measured);
      }
    }
  }
  std::printf("  %-9s %9s %9s %9s %8s %7s   %s\n", "storage", "us/turn", "of system", "turns/s", "ratio", "stalls",
              "target");
  bool met = true;
  for (const auto& one : running) {
    met = summarise(*one, *running.front()) && met;
  }
  for (const auto& one : running) {
    one->bot->check_counts(Mode::replies, settings.load);
    one->bot->stop();
  }
  return met;
}

}  // namespace bench

#include "turn/contestant.hpp"

#include "turn/exchange.hpp"

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <utility>

namespace bench {

namespace {

std::vector<std::string> with_port(std::vector<std::string> command, std::uint16_t port) {
  constexpr std::string_view place = "@port@";
  for (auto& word : command) {
    if (const auto at = word.find(place); at != std::string::npos) {
      word.replace(at, place.size(), std::to_string(port));
    }
  }
  return command;
}

}  // namespace

Contestant::Contestant(std::vector<std::string> command, std::string log, std::optional<int> core, TokenFor token_for)
    : log_(std::move(log)),
      token_for_(std::move(token_for)),
      port_(free_port()),
      process_(std::make_unique<Process>(with_port(std::move(command), port_), SpawnOptions{core, log_, {}})) {
  if (!wait_for_port(port_) || !process_->running()) {
    throw std::runtime_error(name() + " does not listen; see " + log_);
  }
}

boost::json::object Contestant::say(Mode mode, const std::string& id, const std::string& conversation,
                                    const std::string& user) {
  try {
    return bench::say(port_, mode, id, conversation, user, token_for_);
  } catch (const std::exception& e) {
    throw std::runtime_error(name() + " answers wrongly: " + e.what() + "; see " + log_);
  }
}

Measurement Contestant::measure(Mode mode, const std::string& service_url, const std::string& prefix,
                                const LoadSettings& settings) {
  const auto before = process_->cpu();
  auto with_token = settings;
  with_token.token = token_for_ ? token_for_(service_url) : std::string();
  const auto load = put_load(port_, mode, service_url, prefix, with_token);
  const auto after = process_->cpu();
  answered_ += load.requests;
  ++loads_;
  const auto requests = static_cast<double>(load.requests);
  Measurement measured;
  measured.total_us = (after.total - before.total) / requests * 1e6;
  measured.system_us = (after.system - before.system) / requests * 1e6;
  measured.per_second = requests / load.seconds;
  return measured;
}

void Contestant::check_counts(Mode mode, const LoadSettings& settings) {
  const auto reply = say(mode, "count", "conversation-0", "user-0");
  constexpr std::string_view words = "conversation ";
  const std::string_view text = reply.at("text").as_string();
  if (!text.starts_with(words)) {
    throw std::runtime_error(name() + " says \"" + std::string(text) + "\" where a count was expected");
  }
  const auto counted = std::stoull(std::string(text.substr(words.size()))) - 1;
  const auto least = answered_ / settings.conversations;
  // wrk ends a load with a request under way on each connection, which the server answers and wrk does not count;
  // and it goes round the conversations from the first, the last time not to the end.
  const auto most = (answered_ + loads_ * settings.connections) / settings.conversations + loads_;
  if (counted + loads_ < least || counted > most) {
    throw std::runtime_error(name() + " counted " + std::to_string(counted) + " messages in a conversation that had " +
                             std::to_string(least) + " to " + std::to_string(most) + "; see " + log_);
  }
}

void Contestant::stop() {
  const int status = process_->terminate();
  if (status != 0 && status != 128 + SIGTERM) {
    throw std::runtime_error(name() + " ended with " + std::to_string(status) + "; see " + log_);
  }
}

}  // namespace bench

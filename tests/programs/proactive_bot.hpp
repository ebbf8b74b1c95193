#pragma once

#include "programs/program.hpp"
#include "support/fake_channel.hpp"
#include "support/raw_client.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <csignal>
#include <cstddef>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace tern::test {

/// proactive_bot, or another that sends of its own accord, listening.
class ProactiveBot {
 public:
  explicit ProactiveBot(const std::vector<std::string>& settings, const std::string& program = TERN_PROACTIVE_BOT)
      : program_(words(program, settings)) {
    const auto line = program_.wait_for(" serving ");
    port_ = static_cast<std::uint16_t>(std::stoi(line.substr(line.find("port=") + 5)));
  }

  std::uint16_t port() const noexcept { return port_; }
  /// The status of the turn, in a conversation of its own.
  int say(const FakeChannel& channel, const std::string& text) { return say(channel, text, "conversation " + text); }
  int say(const FakeChannel& channel, const std::string& text, const std::string& conversation) {
    const boost::json::object activity{{"type", "message"},
                                       {"id", "in-" + text},
                                       {"text", text},
                                       {"channelId", "emulator"},
                                       {"serviceUrl", channel.url()},
                                       {"from", {{"id", "user"}}},
                                       {"recipient", {{"id", "bot"}}},
                                       {"conversation", {{"id", conversation}}}};
    return post_activity(port_, boost::json::serialize(activity)).status;
  }
  /// Where its log ends now.
  std::size_t mark() { return program_.mark(); }
  /// The first line of its log with `text` in it, at `from` or behind.
  std::string wait_for(const std::string& text, std::size_t from = 0) { return program_.wait_for(text, from); }
  /// The sum of a figure of /metrics, over all that `labels` leave open. 0 when it is not there.
  double figure(const std::string& name, const std::string& labels = "") const {
    std::istringstream lines(get(port_, "/metrics").body);
    double sum = 0;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(name) && line.find(labels) != std::string::npos) {
        sum += std::stod(line.substr(line.rfind(' ') + 1));
      }
    }
    return sum;
  }
  /// Waits for the end of a process that was told to end.
  Ended wait() { return program_.wait(); }
  void signal(int number) const { program_.signal(number); }
  void kill() {
    program_.signal(SIGKILL);
    (void)program_.wait();
  }
  Ended stop() {
    program_.signal(SIGTERM);
    return program_.wait();
  }

 private:
  static std::vector<std::string> words(const std::string& program, const std::vector<std::string>& settings) {
    std::vector<std::string> all{program, "--set", "listen.port=0"};
    for (const auto& setting : settings) {
      all.insert(all.end(), {"--set", setting});
    }
    return all;
  }

  Program program_;
  std::uint16_t port_ = 0;
};

/// The texts of the messages among what a channel received.
inline std::multiset<std::string> texts(const std::vector<FakeRequest>& requests) {
  std::multiset<std::string> texts;
  for (const auto& request : requests) {
    const auto activity = boost::json::parse(request.body);
    if (activity.at("type") == "message") {
      texts.insert(activity.at("text").as_string().c_str());
    }
  }
  return texts;
}

}  // namespace tern::test

#pragma once

#include "programs/program.hpp"
#include "support/raw_client.hpp"

#include <csignal>
#include <cstdint>
#include <future>
#include <string>
#include <utility>
#include <vector>

namespace tern::test {

/// stuck_bot, listening.
class StuckBot {
 public:
  explicit StuckBot(const std::vector<std::string>& settings, Program::Variables variables = {})
      : program_(words(settings), std::move(variables)) {
    const auto line = program_.wait_for(" serving ");
    port_ = static_cast<std::uint16_t>(std::stoi(line.substr(line.find("port=") + 5)));
  }

  /// What it answers to `text`, which it may never do. Returns once the turn has begun.
  std::shared_future<RawAnswer> tell(const std::string& text) {
    auto answer = ask(text);
    program_.wait_for("was told text=" + text);
    return answer;
  }
  /// The same, at once and without a look at the log.
  std::shared_future<RawAnswer> ask(const std::string& text) {
    std::shared_future<RawAnswer> answer = std::async(std::launch::async, [port = port_, text] {
      return post_activity(port, R"({"type":"message","channelId":"emulator","deliveryMode":"expectReplies","text":")" +
                                     text + R"(","conversation":{"id":"c"},"from":{"id":"u"}})");
    });
    answers_.push_back(answer);
    return answer;
  }
  int get(const std::string& path) const { return test::get(port_, path).status; }
  std::string body(const std::string& path) const { return test::get(port_, path).body; }
  std::uint16_t port() const noexcept { return port_; }
  Program& program() noexcept { return program_; }
  /// Signals again and again: signals that come soon after the first are one request with it.
  Ended stop_at_once() {
    while (!program_.has_ended()) {
      program_.signal(SIGTERM);
    }
    return program_.wait();
  }
  Ended stop() {
    program_.signal(SIGTERM);
    return program_.wait();
  }

 private:
  static std::vector<std::string> words(const std::vector<std::string>& settings) {
    std::vector<std::string> all{TERN_STUCK_BOT, "--set", "listen.port=0"};
    for (const auto& setting : settings) {
      all.insert(all.end(), {"--set", setting});
    }
    return all;
  }

  std::vector<std::shared_future<RawAnswer>> answers_;  // which all come when the program has ended
  Program program_;
  std::uint16_t port_ = 0;
};

}  // namespace tern::test

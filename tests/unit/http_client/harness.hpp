#pragma once

#include "support/fake_channel.hpp"
#include "support/proxy_server.hpp"
#include "support/run.hpp"
#include "support/started.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/error.hpp>
#include <tern/http/http_client.hpp>

#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tern::http_client::test {

using namespace std::chrono_literals;
using tern::test::FakeAnswer;
using tern::test::FakeChannel;
using tern::test::FakeChannelOptions;
using tern::test::ProxyServer;

template <class T>
using Pending = tern::test::Started<T>;

/// Sets variables of the environment for as long as it lives.
class Environment {
 public:
  explicit Environment(const std::vector<std::pair<std::string, std::string>>& variables) {
    for (const auto& [name, value] : variables) {
      const char* before = std::getenv(name.c_str());
      before_.emplace_back(name, before != nullptr ? std::optional<std::string>(before) : std::nullopt);
      setenv(name.c_str(), value.c_str(), 1);
    }
  }
  ~Environment() {
    for (auto variable = before_.rbegin(); variable != before_.rend(); ++variable) {
      if (variable->second) {
        setenv(variable->first.c_str(), variable->second->c_str(), 1);
      } else {
        unsetenv(variable->first.c_str());
      }
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  std::vector<std::pair<std::string, std::optional<std::string>>> before_;
};

/// A client, an io_context and a clock that the test moves.
class Harness {
 public:
  explicit Harness(HttpClientOptions options = {}) : client(std::in_place, std::move(options), clock) {}

  Pending<HttpResponse> get(const std::string& url, Deadline by = Deadline::never()) {
    return {io, client->get(url, by)};
  }
  Pending<HttpResponse> send(HttpRequest request, Deadline by = Deadline::never()) {
    return {io, client->send(std::move(request), by)};
  }
  /// Sends and waits for the answer.
  HttpResponse answer_to(HttpRequest request) { return tern::test::run_on(io, client->send(std::move(request))); }
  HttpResponse answer_of(const std::string& url) { return tern::test::run_on(io, client->get(url)); }
  /// Runs the client until `reached`.
  void run_until(const std::function<bool()>& reached) {
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (!reached()) {
      io.restart();
      io.run_one_for(5ms);
      if (std::chrono::steady_clock::now() > end) {
        throw std::runtime_error("30 s have passed without what the test waits for");
      }
    }
  }
  Pending<HttpResponse>& finish(Pending<HttpResponse>& pending) {
    run_until([&pending] { return pending.ended(); });
    return pending;
  }
  /// The message of the exception with the code `expected` that ends the request. Another end fails the test.
  std::string failure(Pending<HttpResponse> pending, error_code expected) {
    finish(pending);
    try {
      const auto response = pending.get();
      ADD_FAILURE() << "an answer with status " << response.status;
    } catch (const system_error& error) {
      EXPECT_EQ(error.code(), expected) << error.what();
      return error.what();
    }
    return {};
  }
  /// Moves the clock, and runs what is due then.
  void advance(std::chrono::milliseconds time) {
    tern::test::drain(io);
    clock.advance(time);
    tern::test::drain(io);
  }

  ManualClock clock;
  asio::io_context io{1};
  std::optional<HttpClient> client;
};

inline HttpRequest request_of(std::string method, std::string url, std::string body = {}, HttpHeaders headers = {}) {
  return HttpRequest{std::move(method), std::move(url), std::move(headers), std::move(body)};
}

}  // namespace tern::http_client::test

#pragma once

#include "async/timing_wheel.hpp"
#include "connector/connector_client.hpp"
#include "support/fake_channel.hpp"
#include "support/fake_name_server.hpp"
#include "support/run.hpp"
#include "support/started.hpp"
#include "support/test_certificate.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/async/metrics.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace tern::connector::test {

using namespace std::chrono_literals;
using tern::test::FakeAnswer;
using tern::test::FakeChannel;
using tern::test::FakeChannelOptions;
using tern::test::FakeNameServer;
using tern::test::FakeRecords;
using tern::test::make_certificate;
using tern::test::TestCertificate;

template <class T>
using Pending = tern::test::Started<T>;

/// A message to conversation `conv1` of the channel at `service_url`.
inline Activity message_to(std::string_view service_url, std::string_view text = "hello") {
  Activity activity = Activity::message(text);
  activity.set_service_url(service_url);
  activity.json()["conversation"] = json::object{{"id", "conv1"}};
  return activity;
}

/// The options of a client that sends anywhere and asks `names`.
inline ConnectorOptions asking(const FakeNameServer& names) {
  ConnectorOptions options;
  options.loopback_only = false;
  options.nameservers = {names.endpoint()};
  return options;
}

/// A client on an io_context of its own and a clock that the test moves.
class Harness {
 public:
  explicit Harness(ConnectorOptions options = {})
      : wheel(clock, io.get_executor()), client(std::in_place, io, wheel, clock, metrics, std::move(options)) {}

  Pending<ResourceResponse> send(Activity activity, Deadline by = Deadline::never(), std::string id = {}) {
    return {io, send_kept(*client, std::move(activity), std::move(id), by)};
  }
  Pending<ResourceResponse> send_if(Activity activity, std::function<bool()> may_begin) {
    return {io, send_kept_if(*client, std::move(activity), std::move(may_begin))};
  }
  /// Sends and waits for the end.
  ResourceResponse deliver(const Activity& activity) {
    return tern::test::run_on(io, client->send(activity, "", Deadline::never()));
  }
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
  /// Runs the client until `pending` has ended.
  template <class T>
  Pending<T>& finish(Pending<T>& pending) {
    run_until([&pending] { return pending.ended(); });
    return pending;
  }
  /// Moves the clock, and tells the wheel.
  void advance(std::chrono::milliseconds time) {
    clock.advance(time);
    wheel.expire_due();
    tern::test::drain(io);
  }
  double outcome(const std::string& name) {
    return metrics.counter("tern_connector_requests_total", "Requests to channels by outcome.", {{"outcome", name}})
        .value();
  }
  double resolutions(const std::string& outcome) {
    return metrics
        .counter("tern_connector_resolutions_total", "Names of channels that were asked for, by outcome.",
                 {{"outcome", outcome}})
        .value();
  }
  double open_connections() {
    return metrics.gauge("tern_connector_connections", "Open connections to channels, used and kept.").value();
  }

  ManualClock clock;
  Metrics metrics;
  asio::io_context io{1};
  TimingWheel wheel;
  std::optional<ConnectorClient> client;

 private:
  /// The client takes the activity by reference: this frame holds it.
  static awaitable<ResourceResponse> send_kept(ConnectorClient& client, Activity activity, std::string id,
                                               Deadline by) {
    auto response = co_await client.send(activity, std::move(id), by);
    co_return response;
  }
  static awaitable<ResourceResponse> send_kept_if(ConnectorClient& client, Activity activity,
                                                  std::function<bool()> may_begin) {
    auto response = co_await client.send_if(activity, {}, Deadline::never(), std::move(may_begin));
    co_return response;
  }
};

}  // namespace tern::connector::test

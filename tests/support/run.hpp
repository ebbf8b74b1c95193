#pragma once

#include "testing/run_on.hpp"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <stdexcept>

/// What a test needs to run coroutines without sleeping.
namespace tern::test {

namespace detail {

template <class Scenario>
bool advance(Scenario& scenario) {
  if constexpr (requires { scenario.advance(); }) {
    return scenario.advance();
  } else if constexpr (requires { scenario->advance(); }) {
    return scenario->advance();
  } else {
    return false;
  }
}

template <class Scenario>
constexpr bool can_advance = requires(Scenario& s) { s.advance(); } || requires(Scenario& s) { s->advance(); };

}  // namespace detail

/// Runs what is ready, and what that makes ready, without waiting for a clock or a socket.
/// Returns how many handlers ran.
inline std::size_t drain(asio::io_context& io) {
  io.restart();
  return io.poll();
}

/// For n = 0, 1, 2, ...: makes a scenario, runs n handlers, then destroys the scenario and after it the `io_context`,
/// until a scenario has run out of work. Under AddressSanitizer this finds what refers to something already gone.
///
/// `make_scenario` is given an `asio::io_context&` and returns what owns the scenario. Where that has a member
/// `bool advance()`, it is called when no handler is ready, to move a `ManualClock` for example; false means that no
/// more will come. Without it, the helper waits for the real clock.
///
/// Lifetime: what a coroutine frame refers to must outlive the `io_context`, so it belongs outside the factory.
template <class MakeScenario>
void destroy_after_every_n_handlers(MakeScenario make_scenario) {
  constexpr std::size_t unreasonable = 100'000;
  for (std::size_t n = 0; n < unreasonable; ++n) {
    asio::io_context io{1};
    auto scenario = make_scenario(io);
    bool complete = false;
    for (std::size_t ran = 0; ran < n && !complete;) {
      if (io.poll_one() > 0) {
        ++ran;
      } else if (io.stopped()) {
        complete = true;
      } else if constexpr (detail::can_advance<decltype(scenario)>) {
        complete = !detail::advance(scenario);
      } else if (io.run_one_for(patience) > 0) {
        ++ran;
      } else if (!io.stopped()) {
        throw std::logic_error("tern::test::destroy_after_every_n_handlers: the scenario hangs");
      }
    }
    if (complete) {
      return;
    }
  }
  throw std::logic_error("tern::test::destroy_after_every_n_handlers: the scenario never ends");
}

}  // namespace tern::test

#pragma once

#include "direct_line/append_plan.hpp"
#include "direct_line/client_places.hpp"
#include "direct_line/options.hpp"
#include "direct_line/rates.hpp"

#include <tern/async/awaitable.hpp>
#include <tern/async/clock.hpp>
#include <tern/async/deadline.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace tern::direct_line {

/// Sets the pace at which clients read histories from the store, so that nobody who reads a whole history again and
/// again takes the store from the others. What is read is counted by its cost, in pages: 100 activities or 256 KiB. As
/// many pages may be read in a second as messages may be written (`limits.direct_line_token_rate`,
/// `limits.direct_line_address_rate`), and they are counted apart from messages. Of one address a few reads run at once
/// (`limits.direct_line_address_reads`); the others wait in line, and each gets one page at a time.
///
/// Lifetime: the clock outlives it.
/// Thread safety: all functions from any thread.
class ReadPace {
 public:
  ReadPace(const Bounds& bounds, std::size_t keys, Clock& clock);

  /// Waits until a client may read a page of a conversation, at most until `by`. It reads while the place lives.
  /// `conversation`: "" for something else, such as a file, for which the address alone counts.
  /// `client`: as `http::client_group` returns it; "" for somebody with the secret, who is not held up.
  /// Cancellation: terminal cancellation throws `operation_aborted`.
  /// Errors: `Refusal` with 429 when it may not read by `by`.
  awaitable<std::shared_ptr<void>> begin(std::string conversation, std::string client, Deadline by);
  /// Counts what was read, by its cost.
  void charge(const std::string& conversation, const std::string& client, std::size_t cost);
  /// The cost of a read, in hundredths of a page: 1 or more, because a read that finds nothing has asked for the head.
  static std::size_t cost_of(const std::vector<StoredActivity>& activities) noexcept;
  static std::size_t cost_of(std::size_t bytes) noexcept;

 private:
  awaitable<void> rest(const Rates& rates, std::string key, Deadline by, const char* limit);

  Clock& clock_;
  Rates of_conversation_;
  Rates of_client_;
  ClientPlaces places_;
};

/// Somebody who reads a conversation at a pace.
struct PacedReader {
  ReadPace* pace = nullptr;  ///< nullptr: without a pace. Lifetime: it outlives the reader
  std::string client;        ///< as `ReadPace::begin` takes it
};

}  // namespace tern::direct_line

#include "direct_line/read_pace.hpp"

#include "direct_line/history.hpp"
#include "direct_line/refusal.hpp"

#include <tern/async/timer.hpp>

#include <algorithm>
#include <utility>

namespace tern::direct_line {

ReadPace::ReadPace(const Bounds& bounds, std::size_t keys, Clock& clock)
    : clock_(clock),
      of_conversation_(bounds.token_rate, keys),
      of_client_(bounds.address_rate, keys),
      places_(0, bounds.address_reads, clock) {}

awaitable<void> ReadPace::rest(const Rates& rates, std::string key, Deadline by, const char* limit) {
  while (!key.empty()) {
    const auto now = clock_.now();
    const auto wait = rates.wait(key, now);
    if (wait <= SteadyTime::duration::zero()) {
      co_return;
    }
    if (now + wait > by.when()) {
      refuse_reads(wait, limit);
    }
    co_await sleep_for(wait, clock_);
  }
}

// A conversation that has to rest takes no place meanwhile: it holds up nobody else of the address.
awaitable<std::shared_ptr<void>> ReadPace::begin(std::string conversation, std::string client, Deadline by) {
  if (client.empty()) {
    co_return nullptr;
  }
  std::shared_ptr<void> place;
  while (!place) {
    co_await rest(of_conversation_, conversation, by, "limits.direct_line_token_rate");
    auto taken = co_await places_.wait(client, by);
    if (!taken.place) {
      refuse_reads(std::chrono::seconds(1), "limits.direct_line_address_reads");
    }
    const bool owes_more = of_conversation_.wait(conversation, clock_.now()) > SteadyTime::duration::zero();
    place = owes_more ? nullptr : std::move(taken.place);
  }
  co_await rest(of_client_, std::move(client), by, "limits.direct_line_address_rate");
  co_return place;
}

std::size_t ReadPace::cost_of(std::size_t bytes) noexcept {
  constexpr std::size_t hundredths = 100;
  return std::max<std::size_t>(1, bytes * hundredths / History::page_bytes);
}

std::size_t ReadPace::cost_of(const std::vector<StoredActivity>& activities) noexcept {
  static_assert(History::max_page == 100, "an activity is a hundredth of a page");
  std::size_t bytes = 0;
  for (const auto& activity : activities) {
    bytes += activity.text->size();
  }
  return std::max(activities.size(), cost_of(bytes));
}

void ReadPace::charge(const std::string& conversation, const std::string& client, std::size_t cost) {
  if (client.empty()) {
    return;
  }
  const auto now = clock_.now();
  of_client_.charge(client, cost, now);
  if (!conversation.empty()) {
    of_conversation_.charge(conversation, cost, now);
  }
}

}  // namespace tern::direct_line

#include "net/addresses.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tern::net {

using asio::ip::tcp;

namespace {

constexpr std::chrono::seconds least_kept{5};
constexpr std::chrono::seconds most_kept{300};
constexpr std::chrono::seconds useless_answer_kept{5};
constexpr std::chrono::seconds failure_kept{1};
constexpr std::size_t most_addresses = 16;

}  // namespace

void Addresses::learn(Resolution resolution, SteadyTime now) {
  learned_ = now;
  endpoints_.clear();
  if (resolution.end != Resolution::End::found) {
    failure_ = std::move(resolution);
    const bool was_answered = failure_.end == Resolution::End::no_such_name || failure_.end == Resolution::End::barred;
    until_ = now + (was_answered ? useless_answer_kept : failure_kept);
    return;
  }
  for (const auto& address : resolution.addresses) {
    endpoints_.emplace_back(address, port_);
  }
  until_ = now + std::clamp(resolution.ttl, least_kept, most_kept);
  sort();
}

void Addresses::worked(const tcp::endpoint& where) {
  if (worked_ != where) {
    worked_ = where;
    sort();
  }
}

void Addresses::doubt() noexcept {
  until_ = std::min(until_, learned_ + least_kept);
}

void Addresses::sort() {
  const auto last = worked_ ? std::find(endpoints_.begin(), endpoints_.end(), *worked_) : endpoints_.end();
  const bool ipv6_first = last == endpoints_.end() || worked_->address().is_v6();
  if (last != endpoints_.end()) {
    std::rotate(endpoints_.begin(), last, last + 1);
  }
  std::vector<tcp::endpoint> first;
  std::vector<tcp::endpoint> second;
  std::partition_copy(endpoints_.begin(), endpoints_.end(), std::back_inserter(first), std::back_inserter(second),
                      [ipv6_first](const auto& endpoint) { return endpoint.address().is_v6() == ipv6_first; });
  endpoints_.clear();
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) {
      endpoints_.push_back(first[i]);
    }
    if (i < second.size()) {
      endpoints_.push_back(second[i]);
    }
  }
  if (endpoints_.size() > most_addresses) {
    endpoints_.resize(most_addresses);
  }
}

}  // namespace tern::net

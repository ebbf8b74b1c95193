#include "proactive/limits/send_shares.hpp"

#include <algorithm>
#include <limits>

namespace tern::proactive {

namespace {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

void host_of(std::string_view service_url, std::string& into) {
  const auto scheme_end = service_url.find("://");
  const auto host_from = scheme_end == std::string_view::npos ? service_url.size() : scheme_end + 3;
  const auto end = service_url.find_first_of("/?#", host_from);
  into.assign(service_url.substr(0, end));
  std::transform(into.begin(), into.end(), into.begin(), lower);
  if (host_from >= into.size() || into.find(':', std::max(host_from, into.rfind(']') + 1)) != std::string::npos) {
    return;
  }
  if (into.starts_with("https:")) {
    into += ":443";
  } else if (into.starts_with("http:")) {
    into += ":80";
  }
}

SendShares::SendShares(std::size_t places)
    : hosts_(Shares::of_hosts(places)),
      tenants_(Shares::of_tenants(places)),
      random_(std::random_device()() | std::uint64_t{std::random_device()()} << 32),
      all_(random_()),
      fresh_(random_()),
      tries_(random_()) {}

// Sends to the same host often come one after the other.
std::uint64_t SendShares::number_of(std::string_view service_url) {
  if (last_number_ == 0 || service_url != last_url_) {
    last_number_ = find_number(service_url);
    last_url_ = service_url;
  }
  return last_number_;
}

std::uint64_t SendShares::find_number(std::string_view service_url) {
  host_of(service_url, host_);
  if (const auto found = numbers_.find(host_); found != numbers_.end()) {
    return found->second;
  }
  forget_names();
  return numbers_.emplace(host_, random_() | 1).first->second;
}

std::string SendShares::name_of(std::uint64_t host) const {
  const auto found =
      std::find_if(numbers_.begin(), numbers_.end(), [host](const auto& one) { return one.second == host; });
  return found == numbers_.end() ? std::string() : found->first;
}

// Hosts that `hosts_` has forgotten: a host that is named again has a new number, and no place by its old one.
void SendShares::forget_names() {
  if (numbers_.size() >= next_look_) {
    erase_if(numbers_, [this](const auto& one) { return !hosts_.knows(one.second); });
    last_number_ = 0;
    next_look_ = std::max<std::size_t>(1'024, 2 * numbers_.size());
  }
}

// All of them come back within the longest time that a host rests: how many they are says nothing of when it answers.
Limiter::Leave SendShares::leave_of(const Shares::Leave& leave, std::uint64_t party) const noexcept {
  const auto scope = leave.held == Shares::Held::all     ? all_
                     : leave.held == Shares::Held::fresh ? fresh_
                     : leave.held == Shares::Held::tries ? tries_
                                                         : party;
  return {leave.at, scope, leave.spacing, Shares::longest_rest, leave.in_doubt};
}

Limiter::Leave SendShares::ask(const SendScope& scope, SteadyTime now) {
  if (scope.host == 0) {
    return {now};
  }
  const auto of_host = hosts_.ask(scope.host, now);
  if (of_host.at > now) {
    return leave_of(of_host, scope.host);
  }
  if (scope.tenant_share == 0) {
    return {now};
  }
  const auto of_tenant = tenants_.ask(scope.tenant_share, now);
  return of_tenant.at > now ? leave_of(of_tenant, scope.tenant_share) : Limiter::Leave{now};
}

void SendShares::begun(const SendScope& scope, SteadyTime now) {
  if (scope.host != 0) {
    hosts_.begun(scope.host, now);
  }
  if (scope.host != 0 && scope.tenant_share != 0) {
    tenants_.begun(scope.tenant_share, now);
  }
}

SendShares::Change SendShares::ended(const SendScope& scope, SteadyTime begun, SteadyTime now, Shares::End end) {
  Change change;
  if (scope.host != 0) {
    change.host = hosts_.ended(scope.host, begun, now, end);
  }
  if (scope.host != 0 && scope.tenant_share != 0) {
    change.tenant = tenants_.ended(scope.tenant_share, begun, now, end);
  }
  return change;
}

std::array<std::uint64_t, 5> SendShares::freed_by(const SendScope& scope) const noexcept {
  return {scope.host, scope.tenant_share, all_, fresh_, tries_};
}

std::size_t SendShares::room(SteadyTime now) const {
  return hosts_.room_of_busiest(now).value_or(std::numeric_limits<std::size_t>::max());
}

}  // namespace tern::proactive

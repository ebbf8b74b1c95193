#include "proactive/limits/send_limits.hpp"

#include "async/keyed_hash.hpp"
#include "proactive/references/reference_ids.hpp"

#include <charconv>

namespace tern::proactive {

namespace {

std::string_view take_until(std::string_view& text, char end) {
  const auto at = text.find(end);
  const auto part = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return part;
}

std::optional<std::uint32_t> number(std::string_view& text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value == 0) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::optional<std::chrono::milliseconds> unit(std::string_view text) {
  using std::chrono::milliseconds;
  if (text == "ms") {
    return milliseconds(1);
  }
  if (text == "s") {
    return milliseconds(1'000);
  }
  if (text == "m") {
    return milliseconds(60'000);
  }
  return text == "h" ? std::optional(milliseconds(3'600'000)) : std::nullopt;
}

std::optional<std::vector<SendWindow>> parse_windows(std::string_view text) {
  std::vector<SendWindow> windows;
  while (!text.empty()) {
    auto part = take_until(text, ',');
    const auto sends = number(part);
    if (!sends || part.empty() || part.front() != '/') {
      return std::nullopt;
    }
    part.remove_prefix(1);
    const auto count = number(part);
    const auto of = unit(part);
    if (!count || !of) {
      return std::nullopt;
    }
    SendWindow window;
    window.sends = *sends;
    window.length = *of * *count;
    windows.push_back(window);
  }
  return windows.empty() ? std::nullopt : std::optional(std::move(windows));
}

}  // namespace

std::optional<ChannelLimits> ChannelLimits::parse(std::string_view text) {
  ChannelLimits limits;
  if (text == "none") {
    return limits;
  }
  while (!text.empty()) {
    auto part = take_until(text, ' ');
    if (part.empty()) {
      continue;
    }
    const auto name = take_until(part, '=');
    auto* into = name == "conversation" ? &limits.conversation
                 : name == "bot"        ? &limits.bot
                 : name == "tenant"     ? &limits.tenant
                                        : nullptr;
    auto windows = parse_windows(part);
    if (into == nullptr || !into->empty() || !windows) {
      return std::nullopt;
    }
    *into = std::move(*windows);
  }
  return limits;
}

const ChannelLimits& SendLimits::of(std::string_view channel_id) const {
  const auto found = channels.find(channel_id);
  return found == channels.end() ? others : found->second;
}

SendScope SendScope::of(std::string_view reference, const SendLimits& limits) {
  const auto ids = ReferenceIds::parse(reference);
  return ids ? of(*ids, limits) : SendScope();
}

SendScope SendScope::of(const ReferenceIds& ids, const SendLimits& limits) {
  auto scope = of(ids.channel(), ids.bot(), ids.tenant(), ids.conversation(), limits);
  scope.tenant_share = ids.tenant().empty() ? 0 : scope.tenant;
  return scope;
}

SendScope SendScope::of(std::string_view channel, std::string_view bot, std::string_view tenant,
                        std::string_view conversation, const SendLimits& limits) {
  SendScope scope;
  scope.limits = &limits.of(channel);
  detail::KeyedHasher of_bot;
  of_bot.add({channel, bot});
  scope.bot = of_bot.hash();
  const auto within = [&](std::string_view kind, std::string_view id) {
    auto hasher = of_bot;
    hasher.add({kind, id});
    return hasher.hash();
  };
  scope.tenant = within("tenant", tenant);
  scope.conversation = within("conversation", conversation);
  return scope;
}

}  // namespace tern::proactive

#include "app/channels.hpp"

#include "schema/service_url.hpp"

#include <tern/error.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace tern::app {

namespace {

constexpr std::string_view of_tern = "urn:tern";

[[noreturn]] void refuse_channel(const std::string& address, const char* why) {
  throw_error(errc::invalid_argument, "The channel \"" + address + "\" of AppOptions::channels " + why);
}

void check_channel(const InProcessChannel& channel) {
  const auto& address = channel.address;
  if (address.size() > tern::detail::longest_channel_address || !tern::detail::is_channel_address(address)) {
    refuse_channel(address,
                   "has no usable address. Use urn:, a name, a colon and another name, such as urn:my-company:sms, of "
                   "lower-case letters, digits and -._, with 64 characters at most.");
  }
  if (tern::detail::is_address_of(of_tern, address)) {
    refuse_channel(address, "has an address of Tern's own channels. Begin it with the name of your company.");
  }
  if (!channel.sender) {
    refuse_channel(address, "has no factory for its senders.");
  }
}

}  // namespace

Channels::Channels(std::vector<InProcessChannel> of_bot) {
  for (auto& channel : of_bot) {
    check_channel(channel);
    const auto& address = channel.address;
    const bool is_taken = std::any_of(channels_.begin(), channels_.end(), [&](const InProcessChannel& other) {
      return tern::detail::is_address_of(other.address, address) || tern::detail::is_address_of(address, other.address);
    });
    if (is_taken) {
      refuse_channel(address, "has the address of another channel, or one above or below it.");
    }
    channels_.push_back(std::move(channel));
  }
}

void Channels::make_senders(const SenderContext& context, ChannelSender& others) {
  OfShard made;
  made.routes = std::make_unique<tern::detail::RoutingSender>(others);
  for (const auto& channel : channels_) {
    auto sender = channel.sender(context);
    if (!sender) {
      refuse_channel(channel.address, "has a factory that returned no sender.");
    }
    made.routes->add(channel.address, *made.senders.emplace_back(std::move(sender)));
  }
  shards_.push_back(std::move(made));
}

void Channels::open(runtime::TurnReceiver& turns, runtime::ShardPool& shards) {
  for (const auto& channel : channels_) {
    inlets_.push_back(std::make_unique<runtime::RuntimeInlet>(turns, shards, channel.address));
  }
}

ChannelInlet& Channels::at(std::string_view address) const {
  const auto found =
      std::find_if(inlets_.begin(), inlets_.end(), [&](const auto& inlet) { return inlet->address() == address; });
  if (found == inlets_.end()) {
    throw_error(errc::not_found, "The app has no channel \"" + std::string(address) + "\"; see AppOptions::channels.");
  }
  return **found;
}

}  // namespace tern::app

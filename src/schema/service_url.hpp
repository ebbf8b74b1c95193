#pragma once

#include <cstddef>
#include <string_view>

namespace tern::detail {

/// Whether `text` is an absolute http or https URL with a host. If it has a port, the port must be 1 to 65535.
/// Source: RFC 3986; Activity Protocol, "Service URL".
bool is_service_url(std::string_view text) noexcept;

/// The same for plain URLs, such as channels send: `http(s)://host[:port][/path]` of letters, digits and `-._~/`. False
/// for every other text, valid or not. The URL of each activity is checked, and this costs a fraction of a full parse.
bool is_plain_service_url(std::string_view text) noexcept;

/// Whether `text` is the address of a channel that lives in the process of the bot, such as `urn:tern:direct-line`,
/// instead of that of a server. It costs one comparison. Only channels in the process bring activities with such an
/// address: `is_service_url` is false for it, so that no activity that comes over the network has one.
constexpr bool is_in_process_address(std::string_view text) noexcept {
  return text.starts_with("urn:");
}

/// Whether a channel may have this address. There is one spelling of each: `urn:NAME:PART`, with more parts if there
/// are any, of lower-case letters, digits and `-._` between the colons, at most 256 bytes in all. So addresses are
/// compared byte by byte.
bool is_channel_address(std::string_view text) noexcept;

/// The longest address of a channel itself, in bytes. It is stored beside each reference of the channel's conversations
/// (`Trust`).
inline constexpr std::size_t longest_channel_address = 64;

/// Whether the address is that of the channel `channel`, or below it: `urn:my-company:sms:germany` is below
/// `urn:my-company:sms`.
constexpr bool is_address_of(std::string_view channel, std::string_view address) noexcept {
  return address.starts_with(channel) && (address.size() == channel.size() || address[channel.size()] == ':');
}

}  // namespace tern::detail

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tern::proactive {

/// The ids in a stored conversation reference, read from the JSON in one pass that builds no values. Each due send
/// needs them, and to read the whole reference was the most expensive part of firing a send.
///
/// A member that is absent, or no text, is "". Where a name comes twice the last one stands, as for `parse_json`.
class ReferenceIds {
 public:
  /// nullopt when `reference` is no JSON object.
  static std::optional<ReferenceIds> parse(std::string_view reference);

  /// The views live as long as this object is neither moved nor destroyed.
  std::string_view channel() const noexcept { return text(channel_); }
  std::string_view service_url() const noexcept { return text(service_url_); }
  std::string_view bot() const noexcept { return text(bot_); }
  std::string_view user() const noexcept { return text(user_); }
  std::string_view conversation() const noexcept { return text(conversation_); }
  std::string_view tenant() const noexcept { return text(tenant_); }
  /// Whether it is a conversation of the bot with a single user, by the rule of `detail::is_personal`.
  bool is_personal() const noexcept { return text(conversation_type_) == "personal" || is_group_ == Flag::no; }

 private:
  class Reader;
  enum class Flag : std::uint8_t { unknown, no, yes };
  struct Part {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
  };

  std::string_view text(Part part) const noexcept { return std::string_view(kept_).substr(part.begin, part.size); }

  std::string kept_;  // the texts of all parts
  Part channel_;
  Part service_url_;
  Part bot_;
  Part user_;
  Part conversation_;
  Part tenant_;
  Part conversation_type_;
  Flag is_group_ = Flag::unknown;
};

}  // namespace tern::proactive

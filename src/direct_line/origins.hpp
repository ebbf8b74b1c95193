#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::direct_line {

/// An origin in small letters, without a slash at its end; nullopt when it is none: `https://chat.example.com:8443`.
/// Source: RFC 6454, section 6.
std::optional<std::string> parse_origin(std::string_view text);

/// Reads a list of origins with commas between them, or `*` for all origins; nullopt when it is no such list.
std::optional<std::vector<std::string>> parse_origin_list(std::string_view listed);

/// Which pages of browsers may call.
///
/// Thread safety: all functions from any thread.
class OriginRule {
 public:
  /// `listed`: as `parse_origin_list` returns it.
  explicit OriginRule(std::vector<std::string> listed) : listed_(std::move(listed)) {}

  /// Whether a page of this origin may call. `host`: the header Host, so that pages of this server may always call,
  /// unless the token names origins. `of_token`: the origins that the token names; they replace the others.
  bool allows(std::string_view origin, std::string_view host, const std::vector<std::string>& of_token) const;

 private:
  std::vector<std::string> listed_;
};

}  // namespace tern::direct_line

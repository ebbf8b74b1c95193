#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::detail::pg {

/// Why `url` cannot be used, whatever runs there; absent when it can be read. Repeats no part of it.
std::optional<std::string> obstacle_of(const std::string& url);

/// Where and how to connect: the configured URL, read, with our defaults added, and its secrets kept apart.
class ConnectionString {
 public:
  /// Errors: `errc::invalid_argument` for a URL with an `obstacle_of`.
  explicit ConnectionString(const std::string& url);

  /// In libpq's `keyword='value'` form. Holds secrets: for the library only.
  const std::string& text() const noexcept { return text_; }

  /// `host:port/database`, for messages.
  const std::string& server() const noexcept { return server_; }

  /// A message of the library with every secret of the URL blotted out.
  std::string redact(std::string_view message) const;

 private:
  std::string text_;
  std::string server_;
  std::vector<std::string> secrets_;
};

}  // namespace tern::detail::pg

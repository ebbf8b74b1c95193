#include "net/answer.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace tern::net {

void Answer::clear() noexcept {
  status = 0;
  body.clear();
  retry_after.clear();
  location.clear();
  keep_alive.reset();
  reusable = false;
  cut = false;
  headers.clear();
}

void Answer::trim() noexcept {
  constexpr std::size_t kept = 64 * 1024;
  if (body.capacity() > kept) {
    std::string().swap(body);
  }
}

std::optional<std::chrono::seconds> parse_keep_alive(std::string_view text) {
  static constexpr std::string_view name = "timeout=";
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t,"), text.size()));
    if (text.empty()) {
      return std::nullopt;
    }
    if (text.starts_with(name)) {
      std::int32_t seconds = 0;
      const auto [end, error] = std::from_chars(text.data() + name.size(), text.data() + text.size(), seconds);
      if (error != std::errc{} || seconds < 0) {
        return std::nullopt;
      }
      return std::chrono::seconds(seconds);
    }
    text.remove_prefix(std::min(text.find(','), text.size()));
  }
}

}  // namespace tern::net

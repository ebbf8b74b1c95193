#include "direct_line/attachment_types.hpp"

#include "http/ascii.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace tern::direct_line {

namespace {

struct KeptType {
  std::string_view type;
  bool shown;
};

constexpr std::array kept_types{
    KeptType{"image/png", true},
    KeptType{"image/jpeg", true},
    KeptType{"image/gif", true},
    KeptType{"image/webp", true},
    KeptType{"image/avif", true},
    KeptType{"image/bmp", true},
    KeptType{"image/heic", true},
    KeptType{"image/heif", true},
    KeptType{"audio/mpeg", true},
    KeptType{"audio/mp3", true},
    KeptType{"audio/mp4", true},
    KeptType{"audio/x-m4a", true},
    KeptType{"audio/aac", true},
    KeptType{"audio/flac", true},
    KeptType{"audio/ogg", true},
    KeptType{"audio/wav", true},
    KeptType{"audio/wave", true},
    KeptType{"audio/x-wav", true},
    KeptType{"audio/webm", true},
    KeptType{"video/mp4", true},
    KeptType{"video/webm", true},
    KeptType{"video/ogg", true},
    KeptType{"video/quicktime", true},
    KeptType{"text/plain", false},
    KeptType{"text/csv", false},
    KeptType{"text/markdown", false},
    KeptType{"text/rtf", false},
    KeptType{"application/json", false},
    KeptType{"application/pdf", false},
    KeptType{"application/zip", false},
    KeptType{"application/x-zip-compressed", false},
    KeptType{"application/gzip", false},
    KeptType{"application/x-gzip", false},
    KeptType{"application/x-tar", false},
    KeptType{"application/x-7z-compressed", false},
    KeptType{"application/vnd.rar", false},
    KeptType{"application/rtf", false},
    KeptType{"application/msword", false},
    KeptType{"application/vnd.ms-excel", false},
    KeptType{"application/vnd.ms-powerpoint", false},
    KeptType{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", false},
    KeptType{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", false},
    KeptType{"application/vnd.openxmlformats-officedocument.presentationml.presentation", false},
    KeptType{"application/vnd.oasis.opendocument.text", false},
    KeptType{"application/vnd.oasis.opendocument.spreadsheet", false},
    KeptType{"application/vnd.oasis.opendocument.presentation", false},
    KeptType{"application/octet-stream", false},
};

}  // namespace

std::optional<std::string_view> attachment_type(std::string_view content_type) {
  auto type = content_type.substr(0, std::min(content_type.find(';'), content_type.size()));
  while (type.ends_with(' ')) {
    type.remove_suffix(1);
  }
  if (type.empty()) {
    type = "application/octet-stream";
  }
  const auto* found = std::find_if(kept_types.begin(), kept_types.end(),
                                   [type](const KeptType& each) { return http::same_text(each.type, type); });
  return found == kept_types.end() ? std::nullopt : std::optional<std::string_view>(found->type);
}

bool is_shown(std::string_view kept_type) noexcept {
  const auto* found = std::find_if(kept_types.begin(), kept_types.end(),
                                   [kept_type](const KeptType& each) { return each.type == kept_type; });
  return found != kept_types.end() && found->shown;
}

std::string attachment_name(std::string_view given) {
  constexpr std::size_t longest = 128;
  const auto folder = given.find_last_of("/\\");
  std::string name;
  for (const char c : folder == std::string_view::npos ? given : given.substr(folder + 1)) {
    if (static_cast<unsigned char>(c) >= ' ' && c != '\x7f' && c != '"') {
      name += c;
    }
  }
  if (name.size() > longest) {
    auto end = longest;  // not in the middle of a character of UTF-8
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0U) == 0x80U) {
      --end;
    }
    name.resize(end);
  }
  return name.find_first_not_of(". ") == std::string::npos ? "file" : name;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += digits[byte >> 4U];
      encoded += digits[byte & 0xFU];
    }
  }
  return encoded;
}

}  // namespace tern::direct_line

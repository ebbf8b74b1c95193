#include "edge/activity.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace bench {

namespace {

std::size_t body_length(std::string_view head) {
  constexpr std::string_view name = "\r\ncontent-length:";
  const auto at = std::search(head.begin(), head.end(), name.begin(), name.end(), [](char one, char other) {
    return std::tolower(static_cast<unsigned char>(one)) == other;
  });
  std::size_t length = 0;
  if (at != head.end()) {
    auto value = head.substr(static_cast<std::size_t>(at - head.begin()) + name.size());
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    std::from_chars(value.data(), value.data() + value.size(), length);
  }
  return length;
}

}  // namespace

std::string message_json(std::string_view id, std::string_view conversation, std::string_view text,
                         std::string_view service_url) {
  std::string json = R"({"type":"message","timestamp":"2026-11-22T10:00:00.123Z","channelId":"emulator","id":")";
  json.append(id).append(R"(","serviceUrl":")").append(service_url);
  json.append(R"(","conversation":{"id":")").append(conversation);
  json.append(R"("},"from":{"id":"user-of-)").append(conversation).append(R"("},"recipient":{"id":"bot"},"text":")");
  json.append(text).append("\"}");
  return json;
}

std::string post_of(std::string_view body, std::string_view token) {
  std::string request = "POST /api/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n";
  if (!token.empty()) {
    request.append("Authorization: Bearer ").append(token).append("\r\n");
  }
  request.append("Content-Length: ");
  request.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
  return request;
}

void HttpPieces::add(std::string_view bytes) {
  waiting_.erase(0, taken_);
  taken_ = 0;
  waiting_.append(bytes);
}

std::optional<std::string_view> HttpPieces::next() {
  const auto rest = std::string_view(waiting_).substr(taken_);
  const auto end = rest.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  const auto length = end + 4 + body_length(rest.substr(0, end));
  if (length > rest.size()) {
    return std::nullopt;
  }
  taken_ += length;
  return rest.substr(0, length);
}

}  // namespace bench

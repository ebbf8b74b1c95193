#include "http/web_socket_handshake.hpp"

#include "http/ascii.hpp"
#include "http/response_head.hpp"

#include <tern/schema/parse.hpp>

#include <algorithm>
#include <cstddef>

namespace tern::http {

namespace {

constexpr std::string_view spoken_version = "13";
constexpr std::size_t key_size = 24;  // 16 bytes in base64

std::string_view without_spaces(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool lists(std::string_view list, std::string_view token) noexcept {
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    if (same_text(without_spaces(list.substr(0, end)), token)) {
      return true;
    }
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

HttpResponse refusal_of_upgrade(unsigned status, std::string_view code, std::string_view message) {
  HttpResponse response(status, error_body(code, message), "application/json");
  response.headers.emplace_back("Sec-WebSocket-Version", spoken_version);
  if (status == 426) {
    response.headers.emplace_back("Upgrade", "websocket");
  }
  return response;
}

}  // namespace

bool is_web_socket_key(std::string_view key) noexcept {
  return key.size() == key_size && key.ends_with("==") && std::all_of(key.begin(), key.end() - 2, [](char c) {
           const char l = lower(c);
           return (l >= 'a' && l <= 'z') || is_digit(c) || c == '+' || c == '/';
         });
}

std::optional<HttpResponse> fault_of_handshake(const Request& request, bool http10) {
  if (http10 || request.method() != Method::get || !lists(request.all_values("upgrade"), "websocket")) {
    return refusal_of_upgrade(426, "UpgradeRequired",
                              "This address is a WebSocket: connect with ws:// or wss://, or send GET with the headers "
                              "Upgrade: websocket and Connection: Upgrade. Behind a proxy let it pass these two on.");
  }
  if (!lists(request.all_values("connection"), "upgrade")) {
    return refusal_of_upgrade(400, "BadRequest",
                              "The request has the header Upgrade: websocket without Connection: Upgrade. Behind a "
                              "proxy let it pass both on.");
  }
  if (request.only_header("sec-websocket-version") != spoken_version) {
    return refusal_of_upgrade(426, "UpgradeRequired",
                              "This server speaks version 13 of the WebSocket protocol: send Sec-WebSocket-Version: "
                              "13, once.");
  }
  if (!is_web_socket_key(request.only_header("sec-websocket-key").value_or(""))) {
    return refusal_of_upgrade(400, "BadRequest",
                              "Sec-WebSocket-Key must be there once, and be the base64 of 16 bytes.");
  }
  return std::nullopt;
}

void append_switching(std::string& out, std::string_view accept,
                      const std::vector<std::pair<std::string, std::string>>& headers, std::string_view date) {
  out.append("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ");
  out.append(accept).append("\r\n");
  if (!date.empty()) {
    out.append("Date: ").append(date).append("\r\n");
  }
  append_fields(out, headers);
  out.append("\r\n");
}

}  // namespace tern::http

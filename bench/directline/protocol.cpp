#include "directline/protocol.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <charconv>
#include <stdexcept>

namespace bench {

namespace {

constexpr std::string_view marker = "number ";
constexpr std::string_view before_own_text = R"("text":")";

std::string request_line(std::string_view method, std::string_view path, std::string_view bearer) {
  std::string text(method);
  text.append(" ").append(path).append(" HTTP/1.1\r\nHost: 127.0.0.1\r\n");
  if (!bearer.empty()) {
    text.append("Authorization: Bearer ").append(bearer).append("\r\n");
  }
  return text;
}

std::size_t number_at(std::string_view text) {
  std::size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

struct Frame {
  FrameReader::Kind kind;
  std::string_view payload;
  std::size_t size;  // with its head
};

// RFC 6455, 5.2. A server masks nothing; the bots send each text in one frame.
std::optional<Frame> frame_at(std::string_view bytes) {
  constexpr unsigned whole = 0x80;
  constexpr unsigned two_bytes = 126;
  constexpr unsigned eight_bytes = 127;
  if (bytes.size() < 2) {
    return std::nullopt;
  }
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const auto kind = static_cast<FrameReader::Kind>(at(0) & 0x0FU);
  if ((at(0) & 0xF0U) != whole ||
      (kind != FrameReader::Kind::text && kind != FrameReader::Kind::close && kind != FrameReader::Kind::ping)) {
    throw std::runtime_error("a server has sent a frame that the load does not know");
  }
  const std::size_t more = at(1) == two_bytes ? 2 : at(1) == eight_bytes ? 8 : 0;
  if (bytes.size() < 2 + more) {
    return std::nullopt;
  }
  std::size_t length = more == 0 ? at(1) : 0;
  for (std::size_t i = 2; i < 2 + more; ++i) {
    length = length << 8U | at(i);
  }
  if (bytes.size() - 2 - more < length) {
    return std::nullopt;
  }
  return Frame{kind, bytes.substr(2 + more, length), 2 + more + length};
}

}  // namespace

std::string post_json(std::string_view path, std::string_view bearer, std::string_view body) {
  auto text = request_line("POST", path, bearer);
  text.append("Content-Type: application/json\r\nContent-Length: ").append(std::to_string(body.size()));
  text.append("\r\n\r\n").append(body);
  return text;
}

std::string get_json(std::string_view path, std::string_view bearer) {
  return request_line("GET", path, bearer) + "\r\n";
}

std::string ask_for_socket(std::string_view path) {
  return request_line("GET", path, {}) +
         "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
}

std::string message_of_user(std::string_view user, std::string_view text) {
  std::string json = R"({"type":"message","from":{"id":")";
  json.append(user).append(R"(","role":"user"},"text":")").append(text);
  json.append(R"(","textFormat":"plain","locale":"en-US","channelData":{"clientActivityID":"of-)").append(user);
  json.append(R"("},"localTimezone":"Etc/UTC"})");
  return json;
}

unsigned status_of(std::string_view response) {
  constexpr std::string_view version = "HTTP/1.1 ";
  return response.starts_with(version) ? static_cast<unsigned>(number_at(response.substr(version.size()))) : 0;
}

boost::json::object body_of(std::string_view response) {
  const auto status = status_of(response);
  if (status != 200 && status != 201) {
    throw std::runtime_error("a server has answered: " + std::string(response));
  }
  return boost::json::parse(response.substr(response.find("\r\n\r\n") + 4)).as_object();
}

std::string_view path_of(std::string_view url) {
  constexpr std::size_t scheme = 5;  // ws://
  return url.substr(url.find('/', scheme));
}

std::optional<std::string> watermark_of(std::string_view activities) {
  constexpr std::string_view name = R"("watermark":)";
  const auto at = activities.rfind(name);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  auto value = activities.substr(at + name.size());
  value.remove_prefix(value.starts_with('"') ? 1 : 0);
  return std::string(value.substr(0, value.find_first_not_of("0123456789")));
}

void find_marks(std::string_view activities, const std::function<void(Mark)>& found) {
  for (auto at = activities.find(marker); at != std::string_view::npos; at = activities.find(marker, at + 1)) {
    const bool own = activities.substr(0, at).ends_with(before_own_text);
    found({number_at(activities.substr(at + marker.size())), !own});
  }
}

void FrameReader::add(std::string_view bytes, const Take& take) {
  if (!waiting_.empty()) {
    waiting_.append(bytes);
    bytes = waiting_;
  }
  while (const auto frame = frame_at(bytes)) {
    take(frame->kind, frame->payload);
    bytes.remove_prefix(frame->size);
  }
  std::string rest(bytes);
  waiting_.swap(rest);
}

}  // namespace bench

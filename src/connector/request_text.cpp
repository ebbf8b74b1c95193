#include "connector/request_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace tern::connector {

namespace {

constexpr std::string_view hex_upper = "0123456789ABCDEF";
constexpr std::string_view hex_lower = "0123456789abcdef";
constexpr std::string_view line_end = "\r\n";
constexpr std::string_view authorization_name = "Authorization: ";
constexpr std::size_t length_gap = 20;  // the digits of the longest Content-Length

constexpr auto component_characters = [] {
  std::array<bool, 256> plain{};
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()")) {
    plain[static_cast<unsigned char>(c)] = true;
  }
  return plain;
}();

/// Appends the characters that are plain as they are, in runs, and the others as %XX.
template <class IsPlain>
void append_escaped(std::string& out, std::string_view text, IsPlain is_plain) {
  while (!text.empty()) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_plain);
    const auto run = static_cast<std::size_t>(end - text.begin());
    out.append(text.substr(0, run));
    text.remove_prefix(run);
    if (!text.empty()) {
      const auto byte = static_cast<unsigned char>(text.front());
      const std::array<char, 3> escaped{'%', hex_upper[byte >> 4], hex_upper[byte & 15]};
      out.append(escaped.data(), escaped.size());
      text.remove_prefix(1);
    }
  }
}

std::mt19937_64 seeded() {
  std::random_device device;
  std::array<std::uint32_t, 8> seed{};
  for (auto& word : seed) {
    word = device();
  }
  std::seed_seq sequence(seed.begin(), seed.end());
  return std::mt19937_64(sequence);
}

void append_target(const RequestParts& parts, std::string& out) {
  out.append(parts.base_path).append("/v3/conversations");
  if (parts.conversation.empty()) {
    return;
  }
  out.push_back('/');
  append_component(out, parts.conversation);
  out.append("/activities");
  if (!parts.activity.empty()) {
    out.push_back('/');
    append_component(out, parts.activity);
  }
}

}  // namespace

void append_component(std::string& out, std::string_view text) {
  append_escaped(out, text, [](char c) { return component_characters[static_cast<unsigned char>(c)]; });
}

void append_header_value(std::string& out, std::string_view text) {
  append_escaped(out, text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::pair<std::size_t, std::size_t> RequestText::authorization_line() const noexcept {
  const auto text = bytes();
  const auto behind_line = [&](std::size_t at) { return text.find(line_end, at) + line_end.size(); };
  // The request line and Host are the first two lines, and Authorization is the third.
  const auto begin = behind_line(behind_line(0));
  return {begin, text.substr(begin).starts_with(authorization_name) ? behind_line(begin) : begin};
}

void RequestText::redirect(std::string_view target, std::string_view host) {
  const auto old = bytes();
  std::string moved(old.substr(0, old.find(' ')));
  moved.append(" ").append(target).append(" HTTP/1.1\r\nHost: ").append(host).append(line_end);
  moved.append(old.substr(authorization_line().second));
  buffer_ = std::move(moved);
  start_ = 0;
}

void RequestText::authorize(std::string_view authorization) {
  const auto [begin, end] = authorization_line();
  std::string line(authorization_name);
  line.append(authorization).append(line_end);
  buffer_.replace(start_ + begin, end - begin, line);
}

RequestWriter::RequestWriter(std::string user_agent) : random_(seeded()) {
  append_header_value(user_agent_, user_agent);
}

void RequestWriter::write(const RequestParts& parts, RequestText& into) {
  std::string& out = into.buffer_;
  out.clear();
  into.start_ = 0;
  out.append(parts.method).push_back(' ');
  append_target(parts, out);
  out.append(" HTTP/1.1\r\nHost: ").append(parts.host).append(line_end);
  if (!parts.authorization.empty()) {
    out.append(authorization_name).append(parts.authorization).append(line_end);
  }
  if (parts.body != nullptr) {
    out.append("Content-Type: application/json; charset=utf-8\r\n");
  }
  // No Accept-Encoding: answers are short, and the connector decompresses nothing.
  out.append("Accept: */*\r\nUser-Agent: ").append(user_agent_).append("\r\nx-ms-client-request-id: ");
  if (parts.request_id.empty()) {
    append_request_id(out);
  } else {
    append_header_value(out, parts.request_id);
  }
  if (parts.names_conversation) {
    out.append("\r\nx-ms-conversation-id: ");
    append_header_value(out, parts.conversation);
  }
  out.append("\r\nConnection: keep-alive\r\n");
  if (parts.body == nullptr) {
    out.append(line_end);
  } else {
    append_length_and_body(*parts.body, into);
  }
}

void RequestWriter::append_length_and_body(const boost::json::object& body, RequestText& into) {
  std::string& out = into.buffer_;
  // The length is known only when the body has been serialized into the buffer. So a gap is left for its digits, and
  // the head, which is shorter than the body, is moved up to close the gap.
  out.append("Content-Length: ");
  const std::size_t head = out.size();
  out.append(length_gap, ' ').append("\r\n\r\n");
  const std::size_t begin = out.size();
  append_body(body, out);
  std::array<char, length_gap> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), out.size() - begin);
  const auto count = static_cast<std::size_t>(end - digits.data());
  into.start_ = length_gap - count;
  std::char_traits<char>::move(out.data() + into.start_, out.data(), head);
  std::char_traits<char>::copy(out.data() + into.start_ + head, digits.data(), count);
}

void RequestWriter::append_request_id(std::string& out) {
  std::array<std::uint64_t, 2> bits{random_(), random_()};
  bits[0] = (bits[0] & 0xffff'ffff'ffff'0fffU) | 0x4000U;                 // version 4
  bits[1] = (bits[1] & 0x3fff'ffff'ffff'ffffU) | 0x8000'0000'0000'0000U;  // variant of RFC 9562
  constexpr std::size_t length = 36;
  std::array<char, length> text;  // NOLINT: not initialised, because each character is written
  char* to = text.data();
  const auto write = [&to](std::uint64_t number, unsigned first, unsigned count) {
    for (unsigned digit = first; digit < first + count; ++digit) {
      *to++ = hex_lower[(number >> (60 - 4 * digit)) & 15];
    }
  };
  write(bits[0], 0, 8);
  *to++ = '-';
  write(bits[0], 8, 4);
  *to++ = '-';
  write(bits[0], 12, 4);
  *to++ = '-';
  write(bits[1], 0, 4);
  *to++ = '-';
  write(bits[1], 4, 12);
  out.append(text.data(), text.size());
}

void RequestWriter::append_body(const boost::json::object& body, std::string& out) {
  std::array<char, 4096> piece;  // NOLINT: not initialised, because the serializer writes before anything is read
  serializer_.reset(&body);
  while (!serializer_.done()) {
    const auto text = serializer_.read(piece.data(), piece.size());
    out.append(text.data(), text.size());
  }
}

}  // namespace tern::connector

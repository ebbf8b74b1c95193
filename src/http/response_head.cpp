#include "http/response_head.hpp"

#include "http/ascii.hpp"

#include <boost/beast/http/status.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace tern::http {

namespace {

bool is_token(std::string_view name) noexcept {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    const char l = lower(c);
    return (l >= 'a' && l <= 'z') || is_digit(c) || marks.find(c) != std::string_view::npos;
  });
}

bool is_framing(std::string_view name) noexcept {
  return same_text(name, "Connection") || same_text(name, "Content-Length") || same_text(name, "Transfer-Encoding") ||
         same_text(name, "Keep-Alive");
}

template <class Number>
void append_number(std::string& out, Number value, int base = 10) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base);
  out.append(digits.data(), end.ptr);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  const std::size_t at = out.size();
  out.append(value).append("\r\n");
  std::replace_if(out.begin() + static_cast<std::ptrdiff_t>(at), out.end() - 2, is_control, ' ');
}

}  // namespace

bool has_body(unsigned status) noexcept {
  return status != 204 && status != 304;
}

bool asks_to_close(const HttpResponse& response) noexcept {
  return std::any_of(response.headers.begin(), response.headers.end(), [](const auto& field) {
    return same_text(field.first, "Connection") && same_text(field.second, "close");
  });
}

void append_fields(std::string& out, const std::vector<std::pair<std::string, std::string>>& headers) {
  for (const auto& [name, value] : headers) {
    if (is_token(name) && !is_framing(name)) {
      append_field(out, name, value);
    }
  }
}

void append_head(std::string& out, const HttpResponse& response, ResponseForm form) {
  out.append("HTTP/1.1 ");
  append_number(out, response.status);
  const auto reason = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(response.status));
  out.append(" ").append(reason.data(), reason.size()).append("\r\n");
  if (!form.date.empty()) {
    out.append("Date: ").append(form.date).append("\r\n");
  }
  if (!response.content_type.empty() && (response.source || !response.content().empty())) {
    append_field(out, "Content-Type", response.content_type);
  }
  append_fields(out, response.headers);
  if (response.source) {
    if (!form.http10) {
      out.append("Transfer-Encoding: chunked\r\n");
    }
  } else if (has_body(response.status)) {
    out.append("Content-Length: ");
    append_number(out, response.content().size());
    out.append("\r\n");
  }
  if (!form.keep_alive) {
    out.append("Connection: close\r\n");
  } else if (form.http10) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
}

void append_chunk_size(std::string& out, std::size_t size) {
  append_number(out, size, 16);
  out.append("\r\n");
}

}  // namespace tern::http

#include "direct_line/multipart.hpp"

#include "http/ascii.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace tern::direct_line {

namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::size_t longest_boundary = 70;
constexpr std::size_t longest_head = 8 * 1024;

std::string_view trimmed_blanks(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  return begin == std::string_view::npos ? std::string_view()
                                         : text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

// Takes the value of a parameter from the beginning of `rest`: a token, or a text in quotes.
std::string take_value(std::string_view& rest) {
  std::string value;
  if (!rest.starts_with('"')) {
    const auto end = std::min(rest.find(';'), rest.size());
    value = trimmed_blanks(rest.substr(0, end));
    rest.remove_prefix(end);
    return value;
  }
  rest.remove_prefix(1);
  while (!rest.empty() && rest.front() != '"') {
    if (rest.front() == '\\' && rest.size() > 1 && (rest[1] == '"' || rest[1] == '\\')) {
      rest.remove_prefix(1);
    }
    value += rest.front();
    rest.remove_prefix(1);
  }
  rest.remove_prefix(std::min<std::size_t>(1, rest.size()));
  return value;
}

// The parameter of a header such as `form-data; name="file"`; nullopt when the header has none of this name.
std::optional<std::string> parameter(std::string_view header, std::string_view wanted) {
  auto rest = header.substr(std::min(header.find(';'), header.size()));
  while (!rest.empty()) {
    rest = trimmed_blanks(rest.substr(1));
    const auto equals = rest.find('=');
    if (equals == std::string_view::npos) {
      return std::nullopt;
    }
    const auto name = trimmed_blanks(rest.substr(0, equals));
    rest.remove_prefix(equals + 1);
    auto value = take_value(rest);
    if (http::same_text(name, wanted)) {
      return value;
    }
    rest.remove_prefix(std::min(rest.find(';'), rest.size()));
  }
  return std::nullopt;
}

// Browsers write a quote and line ends in a name percent-encoded (HTML Standard, "multipart/form-data").
std::string without_escapes(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> escapes[] = {{"%22", "\""}, {"%0D", "\r"}, {"%0A", "\n"}};
  for (const auto& [escape, meaning] : escapes) {
    for (auto at = text.find(escape); at != std::string::npos; at = text.find(escape, at + 1)) {
      text.replace(at, escape.size(), meaning);
    }
  }
  return text;
}

std::string_view value_of(std::string_view head, std::string_view wanted) {
  while (!head.empty()) {
    const auto end = std::min(head.find(line_end), head.size());
    const auto line = head.substr(0, end);
    head.remove_prefix(std::min(end + line_end.size(), head.size()));
    const auto colon = std::min(line.find(':'), line.size());
    if (http::same_text(line.substr(0, colon), wanted)) {
      return trimmed_blanks(line.substr(std::min(colon + 1, line.size())));
    }
  }
  return {};
}

std::optional<Part> part_of(std::string_view text) {
  // A part without a header begins with an empty line.
  const auto head_end = text.starts_with(line_end) ? 0 : text.find("\r\n\r\n");
  if (head_end > longest_head) {  // also when there is no end
    return std::nullopt;
  }
  const auto head = text.substr(0, head_end);
  const auto disposition = value_of(head, "content-disposition");
  Part part;
  part.name = without_escapes(parameter(disposition, "name").value_or(""));
  part.file_name = without_escapes(parameter(disposition, "filename").value_or(""));
  part.content_type = value_of(head, "content-type");
  part.content = text.substr(head_end + (head.empty() ? line_end.size() : 2 * line_end.size()));
  return part;
}

std::string boundary_of(std::string_view content_type) {
  const auto type = trimmed_blanks(content_type.substr(0, std::min(content_type.find(';'), content_type.size())));
  return http::same_text(type, "multipart/form-data") ? parameter(content_type, "boundary").value_or("")
                                                      : std::string();
}

}  // namespace

boost::system::result<std::vector<Part>, std::string> read_multipart(std::string_view content_type,
                                                                     std::string_view body, std::size_t max_parts) {
  const auto boundary = boundary_of(content_type);
  if (boundary.empty() || boundary.size() > longest_boundary) {
    return std::string("The body must be multipart/form-data, with a boundary of 1 to 70 characters.");
  }
  const auto delimiter = "\r\n--" + boundary;
  // The first delimiter may stand at the very beginning, without a line end before it.
  const bool at_once = body.starts_with(std::string_view(delimiter).substr(line_end.size()));
  auto at = at_once ? delimiter.size() - line_end.size() : body.find(delimiter);
  if (at == std::string_view::npos) {
    return std::string("The multipart body has no part: its boundary does not occur.");
  }
  at += at_once ? 0 : delimiter.size();
  std::vector<Part> parts;
  while (!body.substr(at).starts_with("--")) {
    const auto line = body.find(line_end, at);
    const auto end = line == std::string_view::npos ? line : body.find(delimiter, line);
    if (end == std::string_view::npos) {
      return std::string("The multipart body ends in the middle of a part.");
    }
    if (parts.size() >= max_parts) {
      return "The multipart body has more than " + std::to_string(max_parts) + " parts.";
    }
    const auto begin = line + line_end.size();
    auto part = end < begin ? std::nullopt : part_of(body.substr(begin, end - begin));
    if (!part) {
      return std::string("A part of the multipart body has no header that ends in an empty line.");
    }
    parts.push_back(std::move(*part));
    at = end + delimiter.size();
  }
  return parts;
}

}  // namespace tern::direct_line

#include "wire/capture_reader.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace tern::wire {

namespace {

constexpr std::string_view section_mark = "================ ";
constexpr std::string_view request_mark = "--- request (client -> bot)\n";
constexpr std::string_view response_mark = "\n--- response (bot -> client, ";
constexpr std::string_view traffic_mark = "\n--- connector traffic during the turn\n";
constexpr std::string_view no_response = "[no response in 5 s]";
constexpr std::string_view log_mark = "##### ";

[[noreturn]] void fail(std::string_view where, std::string_view what) {
  throw std::runtime_error("capture, " + std::string(where.substr(0, 80)) + ": " + std::string(what));
}

bool same_text(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed_view(std::string_view text, std::string_view what) {
  const auto begin = text.find_first_not_of(what);
  return begin == std::string_view::npos ? std::string_view()
                                         : text.substr(begin, text.find_last_not_of(what) - begin + 1);
}

std::size_t number(std::string_view text, int base, std::string_view where) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) {
    fail(where, "\"" + std::string(text) + "\" is no number");
  }
  return value;
}

/// Takes the text up to `mark` off `rest`, and the mark with it.
std::string_view take_until(std::string_view& rest, std::string_view mark, std::string_view where) {
  const auto end = rest.find(mark);
  if (end == std::string_view::npos) {
    fail(where, "there is no \"" + std::string(trimmed_view(mark, "\n")) + "\"");
  }
  const auto taken = rest.substr(0, end);
  rest.remove_prefix(end + mark.size());
  return taken;
}

/// The pieces of `text` that begin with `mark` at the start of a line, without the mark; what precedes the first one
/// is left out.
std::vector<std::string_view> pieces(std::string_view text, std::string_view mark) {
  std::vector<std::size_t> starts;
  for (auto at = text.find(mark); at != std::string_view::npos; at = text.find(mark, at + 1)) {
    if (at == 0 || text[at - 1] == '\n') {
      starts.push_back(at);
    }
  }
  std::vector<std::string_view> found;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const auto end = i + 1 < starts.size() ? starts[i + 1] : text.size();
    found.push_back(text.substr(starts[i] + mark.size(), end - starts[i] - mark.size()));
  }
  return found;
}

/// Where the file cut a message it wrote ` ...[N chars]`, N being the size of the whole.
bool strip_cut_mark(std::string_view& text) {
  const auto visible = trimmed_view(text, "\n");
  const auto mark = visible.rfind(" ...[");
  if (mark == std::string_view::npos || !visible.ends_with(" chars]")) {
    return false;
  }
  text = text.substr(0, static_cast<std::size_t>(visible.data() - text.data()) + mark);
  return true;
}

std::string unchunked(std::string_view body, std::string_view where) {
  std::string bytes;
  for (;;) {
    const auto line = take_until(body, "\n", where);
    const auto size = number(line, 16, where);
    if (size == 0) {
      return bytes;
    }
    if (body.size() < size + 1 || body[size] != '\n') {
      fail(where, "a chunk does not end where its size says");
    }
    bytes.append(body.substr(0, size));
    body.remove_prefix(size + 1);
  }
}

void read_body(RecordedMessage& message, std::string_view body) {
  const auto coding = message.header("Transfer-Encoding");
  message.chunked = coding && same_text(*coding, "chunked");
  if (message.chunked) {
    message.body = unchunked(body, message.start_line);
    return;
  }
  message.cut = strip_cut_mark(body);
  const auto length = message.header("Content-Length");
  const auto announced = length ? number(*length, 10, message.start_line) : 0;
  const bool page = message.header("Content-Type").value_or("").starts_with("text/html");
  if (message.cut) {
    message.body = body;
  } else if (page) {  // error pages name files; those names were shortened in the file
    message.body = trimmed_view(body, "\n");
  } else if (body.size() >= announced) {
    if (!trimmed_view(body.substr(announced), "\n").empty()) {
      fail(message.start_line, "the body is longer than its Content-Length");
    }
    message.body = body.substr(0, announced);
  } else if (!trimmed_view(body, "\n").empty()) {  // the answer to HEAD announces a body and has none
    fail(message.start_line, "the body is shorter than its Content-Length");
  }
}

RecordedSend read_send(std::string_view text, std::string_view where) {
  // The time stands on the line of the mark; then the request, then `<<< HTTP/1.1 status` and the body.
  take_until(text, "\n", where);
  RecordedSend send;
  send.request = read_message(take_until(text, "\n<<< HTTP/1.1 ", where));
  send.answer_status = static_cast<unsigned>(number(take_until(text, "\n", where), 10, where));
  send.answer_body = trimmed_view(text, "\n");
  return send;
}

Capture read_section(std::string_view text) {
  Capture capture;
  capture.name = take_until(text, "\n", "a section");
  const std::string_view where = capture.name;
  if (!text.starts_with(request_mark)) {
    fail(where, "it does not begin with a request");
  }
  text.remove_prefix(request_mark.size());
  capture.request = read_message(take_until(text, response_mark, where));
  take_until(text, "\n", where);  // the time it took
  // The answer may be empty but for its mark, so the line end that precedes the next mark may be the same one.
  const auto response = take_until(text, traffic_mark, where);
  if (trimmed_view(response, "\n") != no_response) {
    capture.response = read_message(response);
  }
  const auto sends = pieces(text, ">>> ");
  for (const auto& send : sends) {
    capture.sends.push_back(read_send(send, where));
  }
  const auto before = trimmed_view(text.substr(0, text.find(">>> ")), "\n");
  if (sends.empty() ? !before.empty() && before != "(none)" : !before.empty()) {
    fail(where, "its connector traffic is not understood");
  }
  return capture;
}

/// One message of a log: when, in which direction, what.
struct LogEntry {
  std::string_view time;  // ISO 8601 in UTC: text order is the order of time
  bool request = false;
  std::string_view text;
};

std::vector<LogEntry> read_log(std::string_view log, std::string_view where) {
  std::vector<LogEntry> entries;
  for (auto piece : pieces(log, log_mark)) {
    LogEntry entry;
    const auto head = take_until(piece, "\n", where);
    entry.time = head.substr(0, head.find(' '));
    entry.request = head.find(">>>") != std::string_view::npos;
    if (entry.request != (entries.size() % 2 == 0)) {
      fail(where, "requests and responses do not alternate");
    }
    entry.text = piece;
    entries.push_back(entry);
  }
  if (entries.size() % 2 != 0) {
    fail(where, "the last request has no response");
  }
  return entries;
}

}  // namespace

std::optional<std::string_view> RecordedMessage::header(std::string_view name) const {
  for (const auto& [known, value] : headers) {
    if (same_text(known, name)) {
      return value;
    }
  }
  return std::nullopt;
}

std::string_view RecordedMessage::method() const {
  return std::string_view(start_line).substr(0, start_line.find(' '));
}

std::string_view RecordedMessage::target() const {
  const auto rest = std::string_view(start_line).substr(method().size() + 1);
  return rest.substr(0, rest.find(' '));
}

unsigned RecordedMessage::status() const {
  const auto rest = std::string_view(start_line).substr(start_line.find(' ') + 1);
  return static_cast<unsigned>(number(rest.substr(0, rest.find(' ')), 10, start_line));
}

RecordedMessage read_message(std::string_view text) {
  RecordedMessage message;
  message.start_line = take_until(text, "\n", "a message");
  if (message.start_line.find(' ') == std::string::npos) {
    fail(message.start_line, "this is no start line");
  }
  while (!text.empty() && text.front() != '\n') {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto name = take_until(line, ":", message.start_line);
    message.headers.emplace_back(name, trimmed_view(line, " "));
  }
  text.remove_prefix(std::min<std::size_t>(1, text.size()));
  read_body(message, text);
  return message;
}

std::vector<Capture> read_sections(std::string_view text) {
  std::vector<Capture> captures;
  for (const auto& section : pieces(text, section_mark)) {
    captures.push_back(read_section(section));
  }
  return captures;
}

std::vector<Capture> read_logs(std::string_view name, std::string_view to_bot, std::string_view from_bot) {
  const auto received = read_log(to_bot, name);
  const auto sent = read_log(from_bot, name);
  std::vector<Capture> captures;
  std::size_t next = 0;
  for (std::size_t i = 0; i < received.size(); i += 2) {
    Capture capture;
    capture.name = std::string(name) + " " + std::to_string(i / 2 + 1);
    capture.request = read_message(received[i].text);
    capture.response = read_message(received[i + 1].text);
    // What the bot sent before the next request came belongs to this one.
    const bool last = i + 2 == received.size();
    for (; next < sent.size() && (last || sent[next].time < received[i + 2].time); next += 2) {
      RecordedSend send;
      send.request = read_message(sent[next].text);
      const auto answer = read_message(sent[next + 1].text);
      send.answer_status = answer.status();
      send.answer_body = answer.body;
      send.after_turn = sent[next].time > received[i + 1].time;
      capture.sends.push_back(std::move(send));
    }
    captures.push_back(std::move(capture));
  }
  return captures;
}

std::vector<SummaryLine> read_summary(std::string_view text) {
  std::vector<SummaryLine> lines;
  while (!text.empty()) {
    auto line = take_until(text, "\n", "the summary");
    SummaryLine summary;
    summary.name = take_until(line, "\t", "the summary");
    summary.status_line = take_until(line, "\t", summary.name);
    take_until(line, "\tconn=", summary.name);
    summary.sends = number(line, 10, summary.name);
    lines.push_back(std::move(summary));
  }
  return lines;
}

}  // namespace tern::wire

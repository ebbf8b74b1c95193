#include "wire/replay.hpp"

#include "wire/differences.hpp"

#include <boost/json/parse.hpp>

#include <array>
#include <charconv>
#include <functional>
#include <stdexcept>
#include <utility>

namespace tern::wire {

namespace json = boost::json;

namespace {

// Where the captured bots found their channel; a path after it stays.
constexpr std::array<std::string_view, 2> captured_channels{"http://localhost:9999", "http://localhost:56160"};

constexpr std::size_t brackets = 5000;            // of deep-nesting-5000
constexpr std::size_t long_text = 101 * 1024;     // of body-101KB
constexpr std::string_view short_text = "hello";  // of the plain message that it was made from

std::string replaced(std::string text, std::string_view what, std::string_view with, bool once = false) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
    if (once) {
      break;
    }
  }
  return text;
}

std::optional<json::value> parsed(std::string_view text) {
  json::parse_options options;
  options.max_depth = brackets + 10;
  boost::json::error_code error;
  auto value = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  return error ? std::nullopt : std::optional(std::move(value));
}

json::value parsed_or_throw(std::string_view text) {
  auto value = parsed(text);
  if (!value) {
    throw std::runtime_error("a captured body is no JSON: " + std::string(text.substr(0, 80)));
  }
  return std::move(*value);
}

/// The `id` of the activity in a body; "" when there is none.
std::string activity_id(std::string_view body) {
  const auto value = parsed(body);
  const auto* object = value ? value->if_object() : nullptr;
  const auto* id = object != nullptr ? object->if_contains("id") : nullptr;
  return id != nullptr && id->is_string() ? std::string(id->get_string()) : std::string();
}

/// Calls `change` with each string in `value` and the name of the member that it is ("" in an array).
void for_each_string(json::value& value, std::string_view name,
                     const std::function<void(std::string_view name, json::string& text)>& change) {
  if (auto* object = value.if_object()) {
    for (auto& member : *object) {
      for_each_string(member.value(), member.key(), change);
    }
  } else if (auto* array = value.if_array()) {
    for (auto& item : *array) {
      for_each_string(item, {}, change);
    }
  } else if (auto* text = value.if_string()) {
    change(name, *text);
  }
}

std::string unescaped(std::string_view segment) {
  std::string text;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] == '%' && i + 2 < segment.size()) {
      unsigned byte = 0;
      std::from_chars(segment.data() + i + 1, segment.data() + i + 3, byte, 16);
      text += static_cast<char>(byte);
      i += 2;
    } else {
      text += segment[i];
    }
  }
  return text;
}

std::string with_length(std::string_view name, std::string_view value, std::size_t length) {
  std::string line(name);
  line += ": ";
  line += name == "Content-Length" ? std::to_string(length) : std::string(value);
  return line + "\r\n";
}

std::string chunk(const std::string& body) {
  std::array<char, 16> size{};
  const auto [end, error] = std::to_chars(size.data(), size.data() + size.size(), body.size(), 16);
  return std::string(size.data(), end) + "\r\n" + body + "\r\n0\r\n\r\n";
}

/// What changes from the capture to the replay: addresses, and the id of the activity.
class Renewal {
 public:
  Renewal(const std::string& body, const std::string& channel_url, const std::string& fresh)
      : channel_url_(channel_url), id_(activity_id(body)), fresh_id_(id_ + fresh), fresh_(fresh) {}

  std::string addresses(std::string text) const {
    for (const auto& captured : captured_channels) {
      text = replaced(std::move(text), captured, channel_url_);
    }
    return text;
  }
  std::string body(const std::string& captured) const {
    auto text = addresses(captured);
    return id_.empty() ? text
                       : replaced(std::move(text), "\"id\":\"" + id_ + "\"", "\"id\":\"" + fresh_id_ + "\"", true);
  }
  json::value expected(std::string_view captured) const {
    auto value = parsed_or_throw(captured);
    for_each_string(value, {}, [this](std::string_view name, json::string& text) {
      const std::string plain(text);
      text = name == "replyToId" && plain == id_ ? fresh_id_ : addresses(plain);
    });
    return value;
  }
  std::string target(std::string_view captured) const {
    std::string path(captured);
    const auto slash = captured.rfind('/');
    return !id_.empty() && unescaped(captured.substr(slash + 1)) == id_ ? path + fresh_ : path;
  }

 private:
  std::string channel_url_;
  std::string id_;
  std::string fresh_id_;
  std::string fresh_;
};

std::string request_bytes(const RecordedMessage& request, const std::string& body) {
  std::string bytes = request.start_line + "\r\n";
  for (const auto& [name, value] : request.headers) {
    bytes += with_length(name, value, body.size());
  }
  return bytes + "\r\n" + (request.chunked ? chunk(body) : body);
}

ExpectedSend expected_send(const RecordedSend& send, const Renewal& renewal, std::vector<std::string>& reasons) {
  ExpectedSend expected;
  expected.method = send.request.method();
  expected.target = renewal.target(send.request.target());
  if (const auto type = send.request.header("Content-Type")) {
    expected.content_type = *type;
  }
  if (const auto conversation = send.request.header("x-ms-conversation-id")) {
    expected.conversation_header = *conversation;
  }
  if (!send.request.body.empty()) {
    expected.body = renewal.expected(send.request.body);
  }
  if (send.after_turn) {
    reasons.emplace_back("A proactive send carries no `replyToId`, unless asked.");
    expected.body.as_object().erase("replyToId");
    expected.target.erase(expected.target.rfind('/'));
    expected.conversation_header.reset();  // the SDK that was captured sends it with replies alone
    if (expected.content_type == "application/json") {
      reasons.emplace_back(
          "Another SDK sent this one; the header is that of the Bot Framework's own, as in the other captures.");
      expected.content_type = "application/json; charset=utf-8";
    }
  }
  return expected;
}

/// agents-hosting writes a private member under its private name.
void correct_channel_ids(Expectation& expected) {
  for (auto& activity : expected.json.as_object().at("activities").as_array()) {
    auto& members = activity.as_object();
    if (const auto* channel = members.if_contains("_channelId")) {
      members["channelId"] = json::value(*channel);
      members.erase("_channelId");
      expected.reasons.emplace_back("A reply takes [...] `channelId` [...] from the reference");
    }
  }
}

void drop_delays(Expectation& expected) {
  json::array kept;
  for (auto& activity : expected.json.as_object().at("activities").as_array()) {
    if (activity.as_object().at("type") == "delay") {
      expected.at_least += std::chrono::milliseconds(activity.as_object().at("value").to_number<int>());
      expected.reasons.emplace_back("The `delay` type waits `value` ms (1,000 if that is no number) and is not sent.");
    } else {
      kept.push_back(std::move(activity));
    }
  }
  expected.json.as_object()["activities"] = std::move(kept);
}

void expect_answer(const Capture& capture, const Renewal& renewal, Expectation& expected) {
  if (!capture.response) {
    throw std::runtime_error(capture.name + " was not answered, and no difference says what is due");
  }
  expected.status = capture.response->status();
  if (capture.response->body.empty()) {
    return;
  }
  expected.body = Expectation::Body::json;
  expected.json = renewal.expected(capture.response->body);
  const auto* object = expected.json.if_object();
  if (object != nullptr && object->contains("activities")) {
    correct_channel_ids(expected);
    drop_delays(expected);
  }
}

/// The captured SDK knows no such mode and sent to the channel.
void expect_stream(Expectation& expected) {
  expected.reasons.emplace_back("`deliveryMode: stream`: server-sent events, `event: activity`");
  expected.body = Expectation::Body::events;
  json::array activities;
  for (auto& send : expected.sends) {
    activities.push_back(std::move(send.body));
  }
  expected.json = std::move(activities);
  expected.sends.clear();
}

/// The captured server took 100 KB; the answer is what a plain message gets, with the longer text.
void expect_long_echo(const Capture& message, const Renewal& renewal, Expectation& expected) {
  expected.reasons.emplace_back("a body over `limits.body` (256 KiB; that one is 413)");
  expected.status = 200;
  for (const auto& send : message.sends) {
    expected.sends.push_back(expected_send(send, renewal, expected.reasons));
    expected.sends.back().body.as_object()["text"] = "Echo: " + std::string(long_text, 'x');
  }
}

/// The captured server fails and answers 501, which is for an invoke that nobody answers.
void expect_refused_card(Expectation& expected) {
  expected.reasons.emplace_back("An adaptiveCard/action without an action is answered 400, as the SDK for .NET does.");
  expected.status = 400;
  expected.body = Expectation::Body::json;
  expected.json = json::parse(R"({"statusCode":400,"type":"application/vnd.microsoft.error","value":{)"
                              R"("code":"BadRequest",)"
                              R"("message":"The invoke's value has no `action` object with a string `type`."}})");
  expected.sends.clear();
}

Expectation make_expectation(const Capture& capture, const Capture& message, const Renewal& renewal) {
  Expectation expected;
  if (const auto* difference = difference_of(capture.name)) {
    expected.status = difference->status;
    expected.body = difference->body;
    expected.allow = difference->allow;
    expected.reasons.emplace_back(difference->reason);
    return expected;
  }
  if (capture.name == "body-101KB") {
    expect_long_echo(message, renewal, expected);
    return expected;
  }
  expect_answer(capture, renewal, expected);
  for (const auto& send : capture.sends) {
    expected.sends.push_back(expected_send(send, renewal, expected.reasons));
  }
  if (capture.name == "deliveryMode-stream") {
    expect_stream(expected);
  }
  if (capture.name == "invoke-adaptiveCard/action-malformed") {
    expect_refused_card(expected);
  }
  return expected;
}

}  // namespace

std::string whole_body(const Capture& capture, const Capture& message) {
  const auto& request = capture.request;
  if (!request.cut) {
    return request.body;
  }
  std::string body;
  if (capture.name == "body-101KB") {
    body = replaced(message.request.body, "\"text\":\"" + std::string(short_text) + "\"",
                    "\"text\":\"" + std::string(long_text, 'x') + "\"");
  } else {
    const auto begin = request.body.substr(0, request.body.find_last_not_of('[') + 1);
    body = begin + std::string(brackets, '[') + std::string(brackets, ']') + "}";
  }
  const auto length = request.header("Content-Length").value_or("");
  if (!body.starts_with(request.body) || std::to_string(body.size()) != length) {
    throw std::runtime_error("the body of " + capture.name + " cannot be made whole");
  }
  return body;
}

Replay make_replay(const Capture& capture, const Capture& message, const std::string& channel_url,
                   const std::string& fresh) {
  const auto body = whole_body(capture, message);
  const Renewal renewal(body, channel_url, fresh);
  Replay replay;
  replay.bytes = request_bytes(capture.request, renewal.body(body));
  replay.head = capture.request.method() == "HEAD";
  replay.expected = make_expectation(capture, message, renewal);
  return replay;
}

}  // namespace tern::wire

#include <tern/schema/parse.hpp>

#include "schema/find_member.hpp"
#include "schema/json_arena.hpp"
#include "schema/json_parse.hpp"
#include "schema/service_url.hpp"
#include "schema/signed_activity.hpp"
#include "schema/utf8.hpp"

#include <boost/json/serialize.hpp>

namespace tern {
namespace {

constexpr std::string_view caller_id_name = "callerId";

/// null counts as absent, because JavaScript and .NET clients write absent members as null.
bool is_absent(const json::value* found) noexcept {
  return found == nullptr || found->is_null();
}

ParseError missing(std::string_view name, std::string_view expected) {
  return {"MissingProperty", "The activity has no '" + std::string(name) + "'; " + std::string(expected) + "."};
}

ParseError wrong(std::string_view name, std::string_view expected) {
  return {"BadArgument", "The activity's '" + std::string(name) + "' is wrong; " + std::string(expected) + "."};
}

/// nullopt when the member is a string that is not empty, otherwise the error.
std::optional<ParseError> check_text(const json::value* found, std::string_view name) {
  constexpr std::string_view expected = "a string that is not empty is expected";
  if (is_absent(found)) {
    return missing(name, expected);
  }
  const json::string* text = found->if_string();
  return text && !text->empty() ? std::nullopt : std::optional(wrong(name, expected));
}

std::optional<ParseError> check_conversation(const json::object& fields) {
  const json::value* conversation = detail::find_member(fields, "conversation");
  if (is_absent(conversation)) {
    return missing("conversation", "an object with an 'id' is expected");
  }
  const json::object* account = conversation->if_object();
  if (account == nullptr) {
    return wrong("conversation", "an object with an 'id' is expected");
  }
  const json::value* id = detail::find_member(*account, "id");
  if (auto error = check_text(id, "conversation.id")) {
    return error;
  }
  // No send could reach such a conversation: proxies and servers resolve "." and ".." in the path of a URL.
  const std::string_view text = id->get_string();
  return text == "." || text == ".." ? std::optional(wrong("conversation.id", "neither '.' nor '..' is an id"))
                                     : std::nullopt;
}

bool answers_in_response(const json::object& fields) noexcept {
  const json::value* found = detail::find_member(fields, "deliveryMode");
  const json::string* text = found != nullptr ? found->if_string() : nullptr;
  const std::string_view mode = text != nullptr ? std::string_view(*text) : std::string_view();
  return mode == delivery_modes::expect_replies || mode == delivery_modes::stream;
}

// An empty address counts as none where none is needed, and is left out.
std::optional<ParseError> check_service_url(json::object& fields) {
  constexpr std::string_view expected =
      "an absolute http or https URL is expected (it may be absent or empty with deliveryMode 'expectReplies' or "
      "'stream')";
  const json::value* found = detail::find_member(fields, "serviceUrl");
  if (is_absent(found)) {
    return answers_in_response(fields) ? std::nullopt : std::optional(missing("serviceUrl", expected));
  }
  const json::string* url = found->if_string();
  if (url != nullptr && url->empty() && answers_in_response(fields)) {
    fields.stable_erase("serviceUrl");
    return std::nullopt;
  }
  return url && detail::is_service_url(*url) ? std::nullopt : std::optional(wrong("serviceUrl", expected));
}

std::optional<ParseError> check(json::object& fields) {
  if (auto error = check_text(detail::find_member(fields, "type"), "type")) {
    return error;
  }
  if (auto error = check_conversation(fields)) {
    return error;
  }
  return check_service_url(fields);
}

}  // namespace

/// A friend of `Activity`, which takes over the arena: no other object refers to the values in it.
class ActivityParser {
 public:
  /// `caller_id`: "" for none.
  static boost::system::result<Activity, ParseError> parse(std::string_view text, std::string_view caller_id);
};

boost::system::result<Activity, ParseError> ActivityParser::parse(std::string_view text, std::string_view caller_id) {
  const detail::AddedMember added{caller_id.empty() ? std::string_view() : caller_id_name, caller_id};
  auto memory = detail::JsonArena::make(text.size() + added.name.size() + added.text.size());
  auto parsed = detail::parse_json_in(text, json::storage_ptr(memory.get()), added);
  if (parsed.has_error()) {
    return std::move(parsed).error();
  }
  json::object* fields = parsed->if_object();
  if (fields == nullptr) {
    return ParseError{"BadSyntax", "The body is JSON, but not an object; an activity is a JSON object."};
  }
  if (caller_id.empty() && detail::find_member(*fields, caller_id_name) != nullptr) {
    fields->stable_erase(caller_id_name);
  }
  if (auto error = check(*fields)) {
    return std::move(*error);
  }
  return Activity(std::move(*fields), std::move(memory));
}

boost::system::result<Activity, ParseError> parse_activity(std::string_view text) {
  return ActivityParser::parse(text, {});
}

boost::system::result<Activity, ParseError> detail::parse_activity_of(std::string_view caller_id,
                                                                      std::string_view text) {
  return ActivityParser::parse(text, caller_id);
}

std::string error_body(std::string_view code, std::string_view message) {
  json::object error;
  error.emplace("code", code);
  error.emplace("message", detail::well_formed_utf8(message));  // it may repeat text from outside
  json::object body;
  body.emplace("error", std::move(error));
  return json::serialize(body);
}

}  // namespace tern

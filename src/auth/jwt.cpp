#include "auth/jwt.hpp"

#include "auth/base64url.hpp"

#include <tern/schema/parse.hpp>

#include <array>
#include <utility>

namespace tern::auth {

namespace {

constexpr std::size_t max_key_id_size = 256;

/// How many members the objects of a text have, and how deep they are nested.
struct Shape {
  std::size_t members = 0;
  int depth = 0;
};

/// The shape of a JSON text. In JSON a colon outside of a string stands behind the name of a member.
/// Preconditions: the text is well-formed.
Shape shape_of(std::string_view text) noexcept {
  Shape shape;
  int level = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      at += c == '\\' ? 1 : 0;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == ':') {
      ++shape.members;
    } else if (c == '{' || c == '[') {
      shape.depth = ++level > shape.depth ? level : shape.depth;
    } else if (c == '}' || c == ']') {
      --level;
    }
  }
  return shape;
}

/// How many members the objects of a value have.
/// Preconditions: the value is not nested deeper than `max_token_depth`.
std::size_t members_of(const json::value& value) noexcept {  // NOLINT(misc-no-recursion)
  std::size_t count = 0;
  if (const json::object* object = value.if_object()) {
    count = object->size();
    for (const auto& member : *object) {
      count += members_of(member.value());
    }
  } else if (const json::array* array = value.if_array()) {
    for (const json::value& item : *array) {
      count += members_of(item);
    }
  }
  return count;
}

/// Reads one of the first two parts. When an object has a name twice, the parser keeps one of the two members, so that
/// the value has fewer members than the text.
boost::system::result<json::object, TokenError> parse_part(std::string_view part) {
  const auto text = decode_base64url(part);
  if (!text) {
    return TokenError{"has a part that is no base64url"};
  }
  auto value = parse_json(*text);
  if (!value || !value->is_object()) {
    return TokenError{"has a part that is no JSON object"};
  }
  const Shape shape = shape_of(*text);
  if (shape.depth > max_token_depth) {
    return TokenError{"has a part that is nested too deep"};
  }
  if (shape.members != members_of(*value)) {
    return TokenError{"has a member twice"};
  }
  return std::move(value->get_object());
}

/// The three parts of a token; nullopt when there are more or fewer, or one is empty.
std::optional<std::array<std::string_view, 3>> parts_of(std::string_view text) noexcept {
  const std::size_t first = text.find('.');
  const std::size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  std::array parts{text.substr(0, first), text.substr(first + 1, second - first - 1), text.substr(second + 1)};
  for (const std::string_view part : parts) {
    if (part.empty()) {
      return std::nullopt;
    }
  }
  return parts;
}

const json::string* string_at(const json::object& object, std::string_view name) noexcept {
  const json::value* found = object.if_contains(name);
  return found != nullptr ? found->if_string() : nullptr;
}

/// What is wrong with the header, or nullptr; takes algorithm and key from it.
const char* take_header(const json::object& header, Jwt& token) {
  const json::string* name = string_at(header, "alg");
  const auto algorithm = name != nullptr ? algorithm_of(*name) : std::nullopt;
  if (!algorithm) {
    return "is not signed with RS256, RS384 or RS512";
  }
  if (header.contains("crit")) {
    return "has an extension that must be understood";
  }
  const json::value* encoded = header.if_contains("b64");
  if (encoded != nullptr && *encoded != json::value(true)) {
    return "has claims that are not encoded";
  }
  const json::string* key_id = string_at(header, "kid");
  if (key_id == nullptr || key_id->empty() || key_id->size() > max_key_id_size) {
    return "names no key";
  }
  token.algorithm = *algorithm;
  token.key_id.assign(key_id->data(), key_id->size());
  return nullptr;
}

}  // namespace

std::optional<Algorithm> algorithm_of(std::string_view name) noexcept {
  if (name == "RS256") {
    return Algorithm::rs256;
  }
  if (name == "RS384") {
    return Algorithm::rs384;
  }
  if (name == "RS512") {
    return Algorithm::rs512;
  }
  return std::nullopt;
}

boost::system::result<Jwt, TokenError> parse_jwt(std::string_view text) {
  if (text.size() > max_token_size) {
    return TokenError{"is too long"};
  }
  const auto parts = parts_of(text);
  if (!parts) {
    return TokenError{"has not three parts"};
  }
  auto header = parse_part((*parts)[0]);
  if (!header) {
    return header.error();
  }
  Jwt token;
  if (const char* wrong = take_header(*header, token)) {
    return TokenError{wrong};
  }
  auto signature = decode_base64url((*parts)[2]);
  if (!signature) {
    return TokenError{"has a signature that is no base64url"};
  }
  auto claims = parse_part((*parts)[1]);
  if (!claims) {
    return claims.error();
  }
  token.claims = std::move(*claims);
  token.signature = std::move(*signature);
  token.signed_part = text.substr(0, (*parts)[0].size() + 1 + (*parts)[1].size());
  return token;
}

}  // namespace tern::auth

// What strangers write to Direct Line: reading ends, and what is read keeps its promises. The first byte of an input
// says what the rest is: `M` a form (a line with its Content-Type, then the body), `T` a token, `P` a path with its
// query, `O` origins, `A` an activity, `F` the name of a file, `H` the head of a conversation.

#include "auth/base64url.hpp"
#include "direct_line/attachment_types.hpp"
#include "direct_line/calls.hpp"
#include "direct_line/frame.hpp"
#include "direct_line/head.hpp"
#include "direct_line/incoming.hpp"
#include "direct_line/multipart.hpp"
#include "direct_line/origins.hpp"
#include "direct_line/refusal.hpp"
#include "direct_line/secrets.hpp"
#include "direct_line/token.hpp"
#include "fuzz/require.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace {

using tern::fuzz::require;
using namespace tern::direct_line;
namespace json = boost::json;

const std::string known_id = "AAAAAAAAAAAAAAAAAAAAAA";

bool is_within(std::string_view part, std::string_view whole) {
  const std::less_equal<const char*> before;
  return part.empty() ||
         (before(whole.data(), part.data()) && before(part.data() + part.size(), whole.data() + whole.size()));
}

void read_form(std::string_view text) {
  const auto type = text.substr(0, text.find('\n'));
  const auto body = text.substr(std::min(type.size() + 1, text.size()));
  constexpr std::size_t max_parts = 5;
  if (const auto parts = read_multipart(type, body, max_parts)) {
    require(parts->size() <= max_parts, "a form has no more parts than it may");
    for (const auto& part : *parts) {
      require(is_within(part.content, body) && is_within(part.content_type, body), "a part is in the body");
    }
  } else {
    require(!parts.error().empty(), "an error says why");
  }
  const std::string own =
      "--own\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n" + std::string(body) + "\r\n--own--";
  if (body.find("--own") == std::string_view::npos) {
    const auto again = read_multipart("multipart/form-data; boundary=own", own, 1);
    require(again && again->size() == 1 && again->front().content == body, "a file comes as it was sent");
  }
}

const Secrets& secrets() {
  static const Secrets made({"the-secret-of-the-fuzzer"});
  return made;
}

void read_token(std::string_view text) {
  const tern::WallTime now(std::chrono::hours(500'000));
  const TokenMaker maker(secrets(), "token", std::chrono::seconds(1800));
  require(!maker.read(text, now).claims, "nobody without the secret makes a token");
  // The same text as the claims of a token that is signed.
  static const auto header = [&] {
    const auto any = maker.make({}, now);
    return any.substr(0, any.find('.') + 1);
  }();
  const auto signed_text = header + tern::auth::encode_base64url(text);
  const auto read = maker.read(signed_text + '.' + Seal(secrets(), "token").sign(signed_text), now);
  if (!read.claims) {
    return;
  }
  const auto again = maker.read(maker.make(*read.claims, now), now);
  require(again.claims && again.claims->user == read.claims->user &&
              again.claims->conversation == read.claims->conversation && again.claims->page == read.claims->page,
          "claims are the same in the next token");
}

void read_path(std::string_view text) {
  const auto mark = std::min(text.find('?'), text.size());
  const auto path = std::string(root_path).append(text.substr(0, mark));
  for (const auto method : {tern::http::Method::get, tern::http::Method::post, tern::http::Method::other}) {
    const auto found = match_call(method, path);
    require(found.id.empty() || (is_id(found.id) && is_within(found.id, path)), "an id is one, and stands in the path");
    require(found.call != Call::other_method || !found.allow.empty(), "whoever used another method is told which");
  }
  const auto query = text.substr(std::min(mark + 1, text.size()));
  const auto value = query_value(query, "watermark");
  require(value.size() <= query.size(), "a value is no longer than the query");
  if (const auto number = parse_watermark(value); number && !value.empty() && value != "-") {
    require(parse_watermark(std::to_string(*number)) == number, "a watermark has one meaning");
  }
}

void read_origins(std::string_view text) {
  if (const auto origin = parse_origin(text)) {
    require(parse_origin(*origin) == origin, "an origin has one form");
    require(origin->find_first_of("/?#@ ,*", origin->find("://") + 3) == std::string::npos, "an origin has no path");
    require(OriginRule({}).allows(text, "", {*origin}), "a token may name the origin");
    require(!OriginRule({}).allows(text, "", {"https://other.example:1"}) || *origin == "https://other.example:1",
            "a token names all origins");
  }
  if (auto list = parse_origin_list(text)) {
    const OriginRule rule(std::move(*list));
    require(!rule.allows("null", text, {}), "an opaque origin is none");
    static_cast<void>(rule.allows(text, text, {}));
  }
}

void read_activity(std::string_view text) {
  Head head;
  head.channel = "directline";
  head.user = "dl_other";
  try {
    const auto incoming = check_incoming(object_in(text, false), Caller{}, head, known_id);
    const auto& from = incoming.fields.at("from").at("id").get_string();
    require(!from.empty() && !from.starts_with("dl_"), "only a token gives a reserved id");
    require(incoming.fields.at("channelId") == "directline", "nobody chooses the channel");
    require(incoming.fields.at("conversation").at("id").get_string() == known_id, "nor the conversation");
    require(!incoming.fields.contains("serviceUrl") && !incoming.fields.contains("callerId"), "nor who has sent it");
  } catch (const Refusal& refusal) {
    require(refusal.status() == 400, "a bad activity is answered 400");
  }
}

void read_file_name(std::string_view text) {
  const auto name = attachment_name(text);
  require(!name.empty() && name.size() <= 128, "a name has 1 to 128 bytes");
  require(name.find_first_of("/\\\"\r\n") == std::string::npos && name != "..", "a name leads nowhere");
  const auto encoded = percent_encoded(text);
  require(encoded.find_first_of("/\\\"'; \r\n<>&") == std::string::npos, "an encoded name is one word");
  require(query_value("n=" + encoded, "n") == text, "an encoded name is read as it was");
  if (const auto type = attachment_type(text)) {
    require(attachment_type(*type) == type, "a type has one form");
    require(type->find("html") == std::string_view::npos && type->find("script") == std::string_view::npos &&
                type->find("svg") == std::string_view::npos,
            "no type runs anything");
  }
}

void read_stored_head(std::string_view text) {
  if (const auto head = read_head(text)) {
    const auto written = write_head(*head);
    const auto again = read_head(written);
    require(again && write_head(*again) == written, "a head is the same after it was written");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  using Reader = void (*)(std::string_view);
  constexpr std::array<std::pair<char, Reader>, 7> readers{{{'M', read_form},
                                                            {'T', read_token},
                                                            {'P', read_path},
                                                            {'O', read_origins},
                                                            {'A', read_activity},
                                                            {'F', read_file_name},
                                                            {'H', read_stored_head}}};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto& [kind, reader] : readers) {
    if (kind == text.front()) {
      reader(text.substr(1));
    }
  }
  return 0;
}

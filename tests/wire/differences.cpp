#include "wire/differences.hpp"

#include <algorithm>
#include <array>

namespace tern::wire {

namespace {

constexpr std::string_view bad_request =
    "400 malformed JSON, not an object, no `type`, no `conversation.id`, a `serviceUrl` that is no URL or is missing "
    "(unless `expectReplies`), nesting deeper than 32";
constexpr std::string_view not_json = "415 when the content type is not JSON";
constexpr std::string_view method = "405 with Allow";
constexpr std::string_view exception = "500 for an unhandled exception, without its text";
constexpr std::string_view path_case = "Paths are compared with their case (RFC 9110, 4.2.3)";
constexpr std::string_view error_bodies = "Bodies are the protocol's `{\"error\":{\"code\",\"message\"}}`";

constexpr auto error = Expectation::Body::error;
constexpr auto empty = Expectation::Body::empty;

constexpr std::array table{
    Difference{"malformed-json", 400, error, false, bad_request},
    Difference{"empty-body", 400, error, false, bad_request},
    Difference{"json-array", 400, error, false, bad_request},
    Difference{"json-string", 400, error, false, bad_request},
    Difference{"json-null", 400, error, false, bad_request},
    Difference{"empty-object", 400, error, false, bad_request},
    Difference{"missing-type", 400, error, false, bad_request},
    Difference{"type-empty-string", 400, error, false, error_bodies},
    Difference{"type-number", 400, error, false, bad_request},
    Difference{"missing-conversation", 400, error, false, bad_request},
    Difference{"conversation-without-id", 400, error, false, bad_request},
    Difference{"missing-serviceUrl", 400, error, false, bad_request},
    Difference{"serviceUrl-invalid", 400, error, false, bad_request},
    Difference{"deep-nesting-5000", 400, error, false, bad_request},
    // The send fails, on_turn_error's own sends fail too, and its exception is nobody's any more.
    Difference{"serviceUrl-refused", 500, error, false, exception},
    Difference{"wrong-content-type-text/plain", 415, error, false, not_json},
    Difference{"no-content-type", 415, error, false, not_json},
    Difference{"content-type-json-charset-latin1", 415, error, false, error_bodies},
    Difference{"form-urlencoded", 415, error, false, not_json},
    Difference{"GET", 405, error, true, method},
    Difference{"PUT", 405, error, true, method},
    Difference{"HEAD", 405, empty, true, method},
    // Captured: 200 with the body `POST`. Allow is what OPTIONS asks for; there is nothing else to say.
    Difference{"OPTIONS", 204, empty, true, method},
    Difference{"unknown-path", 404, error, false, error_bodies},
    Difference{"path-uppercase", 404, error, false, path_case},
};

}  // namespace

std::span<const Difference> differences() noexcept {
  return table;
}

const Difference* difference_of(std::string_view capture) noexcept {
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const Difference& d) { return d.capture == capture; });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace tern::wire

#include "auth/token_answer.hpp"

#include "connector/channel_answer.hpp"

#include <tern/schema/parse.hpp>

#include <boost/json/object.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace tern::auth {

namespace {

namespace json = boost::json;

/// What a code of Microsoft's token service asks a person to do.
struct Advice {
  std::string_view code;
  std::string_view text;
};

constexpr std::array advices{
    Advice{"AADSTS50034", "Check bot.tenant_id."},
    Advice{"AADSTS90002", "The tenant is not known there: check bot.tenant_id and bot.cloud."},
    Advice{"AADSTS700016", "The app is not known in this tenant: check bot.app_id and bot.tenant_id."},
    Advice{"AADSTS7000215", "The client secret is wrong: give the secret's value, and not its id."},
    Advice{"AADSTS7000222", "The client secret has expired: make a new one."},
    Advice{"AADSTS7000229", "The app has no service principal in this tenant: check bot.tenant_id."},
    Advice{"AADSTS700027", "The certificate is not one of the app's, or has expired."},
    Advice{"AADSTS700024", "The assertion is not valid now: check the clock of this machine, or who writes the file."},
    Advice{"AADSTS70021", "No federated credential of the app matches the token in the file."},
    Advice{"AADSTS700211", "No federated credential of the app has the issuer of the token in the file."},
    Advice{"AADSTS700213", "No federated credential of the app has the subject of the token in the file."},
    Advice{"AADSTS700212", "No federated credential of the app has the audience of the token in the file."},
};

constexpr bool is_digit_of_answer(char c) noexcept {
  return c >= '0' && c <= '9';
}

std::string_view text_member(const json::object& object, std::string_view name) noexcept {
  const json::value* member = object.if_contains(name);
  const json::string* text = member != nullptr ? member->if_string() : nullptr;
  return text != nullptr ? std::string_view(*text) : std::string_view();
}

/// A count that stands there as a number or as text, as metadata endpoints write it.
std::optional<std::int64_t> count_member(const json::object& object, std::string_view name) noexcept {
  const json::value* member = object.if_contains(name);
  if (member == nullptr) {
    return std::nullopt;
  }
  if (const auto* number = member->if_int64()) {
    return *number;
  }
  const std::string_view text = text_member(object, name);
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty() ? std::optional(count)
                                                                                   : std::nullopt;
}

/// A code of OAuth, such as `invalid_client`; "" for anything else.
std::string_view oauth_code(const json::object& error) noexcept {
  constexpr std::size_t longest = 40;
  const std::string_view code = text_member(error, "error");
  const bool is_code = code.size() <= longest && std::all_of(code.begin(), code.end(), [](char c) {
                         return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
                       });
  return is_code ? code : std::string_view();
}

/// The code of Microsoft's at the beginning of the description, such as `AADSTS7000215`; "" for anything else.
std::string_view service_code(const json::object& error) noexcept {
  constexpr std::string_view prefix = "AADSTS";
  constexpr std::size_t most_digits = 10;
  const std::string_view text = text_member(error, "error_description");
  if (!text.starts_with(prefix)) {
    return {};
  }
  auto end = prefix.size();
  while (end < text.size() && end < prefix.size() + most_digits && is_digit_of_answer(text[end])) {
    ++end;
  }
  return text.substr(0, end);
}

std::string_view advice_for(std::string_view code) noexcept {
  const auto* found = std::find_if(advices.begin(), advices.end(), [&](const Advice& a) { return a.code == code; });
  return found != advices.end() ? found->text : std::string_view();
}

NoToken::Why meaning_of(int status, std::string_view code) noexcept {
  const bool is_for_now = code == "temporarily_unavailable" || code == "server_error";
  return status >= 400 && status <= 403 && !is_for_now ? NoToken::Why::refused : NoToken::Why::unavailable;
}

TokenFailure failure_of(const HttpResponse& answer, std::string_view host, WallTime now) {
  const auto parsed = parse_json(answer.body);
  const json::object* body = parsed ? parsed->if_object() : nullptr;
  const std::string_view code = body != nullptr ? oauth_code(*body) : std::string_view();
  const std::string_view detail = body != nullptr ? service_code(*body) : std::string_view();
  TokenFailure failure;
  failure.why = meaning_of(answer.status, code);
  failure.message = failure.why == NoToken::Why::refused
                        ? "The token service " + std::string(host) + " refuses the bot's credentials: "
                        : "The token service " + std::string(host) + " answered ";
  failure.message += std::to_string(answer.status);
  for (const std::string_view each : {code, detail}) {
    failure.message.append(each.empty() ? "" : " ").append(each);
  }
  failure.message += '.';
  if (const auto advice = advice_for(detail); !advice.empty()) {
    failure.message.append(" ").append(advice);
  }
  if (const auto asked = answer.headers.find("Retry-After")) {
    failure.retry_after = connector::parse_retry_after(*asked, now);
  }
  return failure;
}

/// The time that a token lives from now on; nullopt when the answer does not say. `expires_on` is a time since 1970.
std::optional<std::chrono::seconds> lifetime_in(const json::object& body, WallTime now) {
  constexpr std::int64_t longest = 7 * 86'400;
  auto seconds = count_member(body, "expires_in");
  if (!seconds) {
    const auto until = count_member(body, "expires_on");
    if (!until) {
      return std::nullopt;
    }
    const auto since_1970 = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
    seconds = *until <= since_1970 ? 0 : *until - since_1970;
  }
  return std::chrono::seconds(std::clamp<std::int64_t>(*seconds, 0, longest));
}

TokenFailure unusable(std::string_view host, const char* why) {
  return {NoToken::Why::unavailable, "The answer of the token service " + std::string(host) + " " + why, {}};
}

}  // namespace

boost::system::result<FreshToken, TokenFailure> read_token_answer(const HttpResponse& answer, std::string_view host,
                                                                  WallTime now) {
  if (answer.status != 200) {
    return failure_of(answer, host, now);
  }
  const auto parsed = parse_json(answer.body);
  const json::object* body = parsed ? parsed->if_object() : nullptr;
  const std::string_view token = body != nullptr ? text_member(*body, "access_token") : std::string_view();
  if (token.empty()) {
    return unusable(host, "has no access_token.");
  }
  const auto lifetime = lifetime_in(*body, now);
  if (!lifetime || *lifetime <= std::chrono::seconds(0)) {
    return unusable(host, "has a token that has expired, or does not say when it expires. Check this machine's clock.");
  }
  FreshToken fresh{nullptr, *lifetime, std::nullopt};
  try {
    fresh.token = std::make_shared<const AccessToken>(token);
  } catch (const Error&) {
    return unusable(host, "has a token that no header can carry.");
  }
  if (const auto renew = count_member(*body, "refresh_in"); renew && *renew > 0) {
    fresh.renew_in = std::min(std::chrono::seconds(*renew), *lifetime);
  }
  return fresh;
}

}  // namespace tern::auth

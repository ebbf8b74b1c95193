#include "app/proactive_refusal.hpp"

#include "app/proactive_call.hpp"
#include "app/proactive_json.hpp"
#include "proactive/limits/send_policy.hpp"

#include <tern/error.hpp>
#include <tern/schema/parse.hpp>
#include <tern/turn/channel_sender.hpp>

#include <chrono>
#include <string_view>
#include <utility>

namespace tern::app {

namespace {

Refusal refusal_of(const ChannelError& error) {
  const auto said = "The channel answered " + std::to_string(error.status());
  Refusal refusal{502, "ChannelRejected", said + ": nothing was delivered.", {}, {}};
  if (proactive::may_have_arrived(error.status())) {
    refusal = {504, "OutcomeUnknown", said + ": the message may have arrived all the same.", {}, {}};
  }
  if (error.retry_after()) {
    refusal.status = refusal.status == 502 ? 503 : refusal.status;
    refusal.header = "Retry-After";
    refusal.value = std::to_string(std::chrono::ceil<std::chrono::seconds>(*error.retry_after()).count());
  }
  return refusal;
}

Refusal refusal_of(const system_error& error) {
  const auto& code = error.code();
  if (code == errc::invalid_argument) {
    return {400, "BadArgument", message_of(error), {}, {}};
  }
  if (code == errc::unknown_continuation) {
    return {404, "UnknownContinuation", message_of(error), {}, {}};
  }
  if (code == errc::service_url_refused || code == errc::address_refused) {
    return {403, "ServiceUrlNotAllowed", message_of(error), {}, {}};
  }
  if (code == errc::proactive_disabled) {
    return {503, "ProactiveDisabled", "proactive.enabled is off: this bot sends nothing of its own accord.", {}, {}};
  }
  if (code == errc::channel_unreachable) {
    return {502, "ChannelUnreachable", "The channel could not be reached: " + message_of(error), {}, {}};
  }
  // After an outage, at a bound, or during a drain: the same request may succeed later.
  return {503, "ServiceUnavailable", "The bot cannot do this now: " + code.message() + ".", "Retry-After", "1"};
}

}  // namespace

void refuse(unsigned status, std::string code, std::string message, std::string header, std::string value) {
  throw Refusal{status, std::move(code), std::move(message), std::move(header), std::move(value)};
}

Refusal refusal_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Refusal& refusal) {
    return refusal;
  } catch (const BadCall& bad) {
    return {400, bad.code(), bad.message(), {}, {}};
  } catch (const ChannelError& rejected) {
    return refusal_of(rejected);
  } catch (const AmbiguousSend&) {
    return {504, "OutcomeUnknown", "The message was sent and the channel did not answer: it may have arrived.", {}, {}};
  } catch (const system_error& failed) {
    return refusal_of(failed);
  }
}

http::HttpResponse to_response(const Refusal& refusal) {
  http::HttpResponse response(refusal.status, error_body(refusal.code, refusal.message), json_type);
  if (!refusal.header.empty()) {
    response.headers.emplace_back(refusal.header, refusal.value);
  }
  return response;
}

}  // namespace tern::app

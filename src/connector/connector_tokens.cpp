// The functions of ConnectorCore that give a request the token of the bot.

#include "async/describe_error.hpp"
#include "auth/guid.hpp"
#include "connector/connector_core.hpp"

#include <tern/async/with_timeout.hpp>

#include <utility>

namespace tern::connector {

namespace {

/// What a token for the bot with this app id is asked for with. Where a bot's own authenticator has found its caller,
/// the id may be anything: then it is the token for channels. Source: Agents SDK for JavaScript,
/// `CloudAdapter.createConnectorClientWithIdentity`.
std::string scope_for(std::string_view caller) {
  return auth::is_guid(caller) ? std::string(caller).append("/.default") : std::string();
}

}  // namespace

// A bot that sends wherever anybody says shows nobody its token.
bool ConnectorCore::shows_token_to(const ServiceUrl& url) const noexcept {
  return options_.allowed_hosts != nullptr ? options_.allowed_hosts->allows_token(url) : options_.loopback_only;
}

void ConnectorCore::ask_for_token(Call& call, TokenFor token) {
  call.bot_ = token.bot;
  call.scope_ = scope_for(token.caller);
  ask_for_token(call);
}

void ConnectorCore::ask_for_token(Call& call) {
  try {
    TokenAnswer answer = options_.credentials->token({call.bot_, call.scope_});
    if (answer.is_known()) {
      call.token_ = answer.take_token();
    } else {
      call.later_ = answer.take_later();
    }
  } catch (...) {
    fail_without_token(call, std::current_exception());
  }
}

// Gives the request the token that `ask_for_token` has promised.
awaitable<void> ConnectorCore::wait_for_token(Call& call) {
  std::exception_ptr error;
  try {
    auto later = std::move(call.later_);
    auto token = co_await with_timeout(std::move(later), call.by_, clock_);
    call.token_ = std::move(token);
  } catch (...) {
    error = std::current_exception();
  }
  throw_if_aborted({});
  if (error) {
    fail_without_token(call, error);
  }
  if (call.token_) {
    call.request_.authorize(call.token_->authorization());
  }
}

// Whether the channel has answered 401 to the first token of the call, and another one is worth a try.
bool ConnectorCore::has_refused_token(const Call& call) {
  constexpr int unauthorized = 401;
  if (call.loan_->answer.status != unauthorized || !call.token_ || call.renewed_) {
    return false;
  }
  try {
    return options_.credentials->refused({call.bot_, call.scope_}, call.token_);
  } catch (...) {
    fail_without_token(call, std::current_exception());
  }
}

// Gives the request another token. Without another one the 401 is the answer of the call.
awaitable<void> ConnectorCore::renew_token(Call& call) {
  const Answer answer = call.loan_->answer;
  call.loan_.end();  // so that it holds no connection while it waits
  call.renewed_ = true;
  const auto refused = std::move(call.token_);
  ask_for_token(call);
  if (call.later_.valid()) {
    co_await wait_for_token(call);
  } else if (call.token_) {
    call.request_.authorize(call.token_->authorization());
  }
  if (!call.token_ || call.token_ == refused) {
    finish(call, answer);
  }
  figures_.renewal();
}

void ConnectorCore::fail_without_token(const Call& call, const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const NoToken& e) {
    count(call, Outcome::no_token);
    if (!call.scope_.empty() && e.why() == NoToken::Why::refused) {
      // Perhaps its tenant does not know the other bot. That says nothing of the channels, so the bot does not rest.
      throw NoToken(NoToken::Why::unavailable, e.what());
    }
    throw;
  } catch (const system_error& e) {
    if (e.code() == asio::error::operation_aborted) {
      throw;
    }
    if (e.code() == errc::timed_out) {
      fail(call, Outcome::timeout, errc::timed_out, "no token for the bot came in time; nothing was sent");
    }
  } catch (...) {  // it is told below
  }
  count(call, Outcome::no_token);
  throw NoToken(NoToken::Why::unavailable,
                "The credentials of the bot failed: " + tern::detail::message_of(error) + ". Nothing was sent.");
}

}  // namespace tern::connector

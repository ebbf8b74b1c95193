#include "app/callers.hpp"

#include "app/token_authenticator.hpp"
#include "async/describe_error.hpp"
#include "schema/service_url.hpp"

#include <tern/async/log.hpp>
#include <tern/async/with_timeout.hpp>
#include <tern/error.hpp>
#include <tern/schema/parse.hpp>

#include <boost/asio/error.hpp>

#include <chrono>
#include <string>
#include <utility>

namespace tern::app {

namespace {

constexpr std::string_view json_type = "application/json; charset=utf-8";

bool is_channel_inside(const Identity& caller) noexcept {
  return caller.kind == Identity::Kind::channel && tern::detail::is_in_process_address(caller.app_id);
}

}  // namespace

Callers::Callers(std::unique_ptr<Authenticator> authenticator, const char* name, Clock& clock, Metrics& metrics)
    : authenticator_(std::move(authenticator)), name_(name), clock_(clock) {
  const auto figure = [&](const char* outcome) {
    return metrics.counter("tern_authentications_total", "Answers of the authenticator, Tern's or the bot's own.",
                           {{"outcome", outcome}});
  };
  accepted_ = figure("accepted");
  refused_ = figure("refused");
  failed_ = figure("failed");
}

Callers::Callers(std::unique_ptr<Authenticator> authenticator, Clock& clock, Metrics& metrics)
    : Callers(std::move(authenticator), "the bot's own", clock, metrics) {}

Callers::Callers(std::unique_ptr<TokenAuthenticator> authenticator, Clock& clock, Metrics& metrics)
    : Callers(std::unique_ptr<Authenticator>(), "that of bot.app_id", clock, metrics) {
  tokens_ = authenticator.get();
  caller_id_ = tokens_->caller_id_of_channels();
  authenticator_ = std::move(authenticator);
}

Callers::~Callers() = default;

Callers::Check::Check(Callers& callers, const http::HttpRequest& request, const Activity& activity,
                      std::string_view body)
    : callers_(callers), request_(request), activity_(activity), body_(body), answer_(ask()) {
  judge();
}

Authentication Callers::Check::ask() {
  try {
    return callers_.authenticator_->authenticate(*this);
  } catch (...) {
    return failed(std::current_exception());
  }
}

Deadline Callers::Check::deadline() const noexcept {
  if (!deadline_) {
    deadline_ = Deadline::after(Authenticator::patience, callers_.clock_);
  }
  return *deadline_;
}

void Callers::Check::judge() {
  const AuthResult* answer = answer_.known();
  if (answer == nullptr) {
    return;
  }
  const Identity* caller = answer->caller();
  accepted_ = caller != nullptr && !is_channel_inside(*caller);
  if (accepted_) {
    callers_.accepted_.inc();
  } else {
    judge_unusual(*answer);
  }
}

// Not a part of `judge`, which each turn runs.
void Callers::Check::judge_unusual(const AuthResult& answer) {
  if (failed_) {
    return;  // `failed` has told of it
  }
  if (const auto* why = answer.refusal()) {
    callers_.note_refusal(*why, peer());
    return;
  }
  callers_.failed_.inc();
  log::error("an authenticator failed",
             {{"authenticator", callers_.name_},
              {"error", answer.caller() == nullptr
                            ? "The authenticator answered with an identity that is a null pointer."
                            : "The authenticator answered with the identity of a channel in the process, whose "
                              "activities do not come over HTTP."}});
}

// The caller alone is told otherwise, and with a wrong bot.app_id that is a channel, which nobody can ask. A flood of
// bad tokens does not fill the log.
void Callers::note_refusal(const AuthRefusal& why, std::string_view peer) {
  refused_.inc();
  const auto level = pace_.level(clock_.now());
  log::write(level,
             level == log::Level::warn ? "a caller was refused; those of the next minute are logged at level debug"
                                       : "a caller was refused",
             {{"status", why.status()}, {"reason", why.message()}, {"client", peer}});
}

awaitable<void> Callers::Check::wait() {
  std::exception_ptr error;
  try {
    auto found = co_await with_timeout(answer_.take_later(), deadline(), callers_.clock_);
    answer_ = Authentication(std::move(found));
  } catch (...) {
    error = std::current_exception();
  }
  if (error) {
    answer_ = failed(error);
  } else {
    judge();
  }
}

// The answer in the place of one that the authenticator has not given.
AuthResult Callers::Check::failed(const std::exception_ptr& error) {
  if (tern::detail::has_code(error, asio::error::operation_aborted)) {
    std::rethrow_exception(error);  // cancelled, because the process ends
  }
  failed_ = true;
  callers_.failed_.inc();
  if (tern::detail::has_code(error, errc::timed_out) && deadline().expired(callers_.clock_)) {
    log::error("an authenticator did not answer in time", {{"authenticator", callers_.name_}});
    return AuthRefusal::unavailable("The bot could not find out in time who sends this. Send it again.");
  }
  log::error("an authenticator failed",
             {{"authenticator", callers_.name_}, {"error", tern::detail::message_of(error)}});
  return std::shared_ptr<const Identity>();
}

http::HttpResponse Callers::Check::refusal() const {
  const AuthResult* answer = answer_.known();
  const AuthRefusal* why = answer != nullptr ? answer->refusal() : nullptr;
  if (why == nullptr) {
    return http::HttpResponse(500, error_body("ServiceError", "The bot could not find out who sends this."), json_type);
  }
  http::HttpResponse response(why->status(), error_body(why->code(), why->message()), json_type);
  if (!why->challenge().empty()) {
    response.headers.emplace_back("WWW-Authenticate", why->challenge());
  }
  if (const auto wait = why->retry_after()) {
    response.headers.emplace_back("Retry-After", std::to_string(wait->count()));
  }
  return response;
}

}  // namespace tern::app

#include "app/callers.hpp"

#include "app/token_authenticator.hpp"
#include "async/describe_error.hpp"
#include "schema/service_url.hpp"
#include "schema/signed_activity.hpp"

#include <tern/async/log.hpp>
#include <tern/async/with_timeout.hpp>
#include <tern/error.hpp>
#include <tern/schema/parse.hpp>

#include <boost/asio/error.hpp>

#include <chrono>
#include <initializer_list>
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
  authenticator_ = std::move(authenticator);
}

Callers::~Callers() = default;

boost::system::result<Activity, ParseError> Callers::parse(std::string_view body) const {
  return tokens_ != nullptr ? tern::detail::parse_activity_to_sign(body) : parse_activity(body);
}

Callers::Check::Check(Callers& callers, const http::HttpRequest& request, const Activity& activity,
                      std::string_view body)
    : callers_(callers), request_(request), activity_(activity), body_(body) {
  try {
    auto answer = callers_.authenticator_->authenticate(*this);
    if (auto* known = answer.known()) {
      take(std::move(*known));
    } else {
      later_.emplace(answer.take_later());
    }
  } catch (...) {
    failed(std::current_exception());
  }
}

Deadline Callers::Check::deadline() const noexcept {
  if (!deadline_) {
    deadline_ = Deadline::after(Authenticator::patience, callers_.clock_);
  }
  return *deadline_;
}

void Callers::Check::take(AuthResult answer) {
  const Identity* caller = answer.caller();
  if (caller == nullptr || is_channel_inside(*caller)) {
    refuse(std::move(answer));
    return;
  }
  answer_.emplace(std::move(answer));
  callers_.accepted_.inc();
}

// Not a part of `take`, which each turn runs.
void Callers::Check::refuse(AuthResult answer) {
  if (answer.caller() != nullptr) {
    throw_error(
        errc::invalid_argument,
        "The authenticator answered with the identity of a channel in the process, whose activities do not come "
        "over HTTP.");
  }
  if (answer.refusal() == nullptr) {
    throw_error(errc::invalid_argument, "The authenticator answered with an identity that is a null pointer.");
  }
  callers_.note_refusal(*answer.refusal(), peer());
  answer_.emplace(std::move(answer));
}

// The caller alone is told otherwise, and with a wrong bot.app_id that is a channel, which nobody can ask. A flood of
// bad tokens does not fill the log.
void Callers::note_refusal(const AuthRefusal& why, std::string_view peer) {
  constexpr std::chrono::minutes pause{1};
  refused_.inc();
  const auto now = clock_.now();
  auto next = next_warning_.load(std::memory_order_relaxed);
  const bool warns = now >= next && next_warning_.compare_exchange_strong(next, now + pause);
  const std::initializer_list<log::Field> fields{{"status", why.status()}, {"reason", why.message()}, {"client", peer}};
  if (warns) {
    log::warn("a caller was refused; those of the next minute are logged at level debug", fields);
  } else {
    log::debug("a caller was refused", fields);
  }
}

awaitable<void> Callers::Check::wait() {
  std::exception_ptr error;
  try {
    auto answer = co_await with_timeout(std::move(*later_), deadline(), callers_.clock_);
    take(std::move(answer));
  } catch (...) {
    error = std::current_exception();
  }
  if (error) {
    failed(error);
  }
}

void Callers::Check::failed(const std::exception_ptr& error) {
  if (tern::detail::has_code(error, asio::error::operation_aborted)) {
    std::rethrow_exception(error);  // cancelled, because the process ends
  }
  callers_.failed_.inc();
  if (tern::detail::has_code(error, errc::timed_out) && deadline().expired(callers_.clock_)) {
    log::error("an authenticator did not answer in time", {{"authenticator", callers_.name_}});
    answer_.emplace(AuthRefusal::unavailable("The bot could not find out in time who sends this. Send it again."));
    return;
  }
  log::error("an authenticator failed",
             {{"authenticator", callers_.name_}, {"error", tern::detail::message_of(error)}});
}

void Callers::Check::sign(Activity& activity) const {
  if (callers_.tokens_ != nullptr) {
    callers_.tokens_->sign(activity, *answer_->caller());
  }
}

http::HttpResponse Callers::Check::refusal() const {
  const auto* why = answer_ ? answer_->refusal() : nullptr;
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

#pragma once

#include "app/token_authenticator.hpp"
#include "async/log_pace.hpp"
#include "http/http_types.hpp"
#include "schema/signed_activity.hpp"

#include <tern/async/clock.hpp>
#include <tern/async/metrics.hpp>
#include <tern/schema/parse.hpp>
#include <tern/turn/authenticator.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tern::app {

/// Asks the app's `Authenticator`, Tern's or the bot's own, and counts its answers.
///
/// Thread safety: all functions from any shard.
class Callers {
 public:
  /// The bot's own authenticator. Lifetime: the clock outlives it.
  Callers(std::unique_ptr<Authenticator> authenticator, Clock& clock, Metrics& metrics);
  /// Tern's. Lifetime: likewise.
  Callers(std::unique_ptr<TokenAuthenticator> authenticator, Clock& clock, Metrics& metrics);
  ~Callers();
  Callers(const Callers&) = delete;
  Callers& operator=(const Callers&) = delete;

  /// Parses an activity whose caller will be asked for. Until `Check::sign`, it says that a channel has sent it, where
  /// the authenticator is Tern's. Errors: as for `parse_activity`.
  boost::system::result<Activity, ParseError> parse(std::string_view body) const {
    return tern::detail::parse_activity_of(caller_id_, body);
  }

  /// Whose authenticator it is, for the log.
  const char* name() const noexcept { return name_; }
  /// Whether it is Tern's.
  bool checks_tokens() const noexcept { return tokens_ != nullptr; }

  /// The check of one request: it asks the authenticator, and makes the response for a caller that is refused. An
  /// answer that is known at once costs no coroutine.
  ///
  /// Lifetime: the arguments of the constructor outlive it.
  class Check final : public InboundRequest {
   public:
    /// Asks the authenticator.
    Check(Callers& callers, const http::HttpRequest& request, const Activity& activity, std::string_view body);

    /// Whether the answer is not known yet, so that `wait` must be awaited.
    bool waits() const noexcept { return answer_.known() == nullptr; }
    /// Whether the caller is accepted. Preconditions: the answer is known.
    bool accepted() const noexcept { return accepted_; }
    /// Waits for the answer.
    /// Cancellation: passed on to the authenticator.
    awaitable<void> wait();

    /// The response for a caller that is not accepted. Preconditions: it is not.
    http::HttpResponse refusal() const;
    /// The caller, once. Preconditions: it is accepted.
    std::shared_ptr<const Identity> take_identity() { return std::move(*answer_.known()).identity(); }
    /// States in the activity who has sent it, where the authenticator is Tern's. Preconditions: it is accepted and
    /// not taken yet, and the activity was parsed with `Callers::parse`.
    void sign(Activity& activity) const {
      if (callers_.tokens_ != nullptr) {
        TokenAuthenticator::sign(activity, *answer_.known()->caller());
      }
    }

    std::optional<std::string_view> header(std::string_view name) const noexcept override {
      return request_.only_header(name);
    }
    std::string_view peer() const noexcept override { return request_.peer(); }
    const Activity& activity() const noexcept override { return activity_; }
    std::string_view body() const noexcept override { return body_; }
    Deadline deadline() const noexcept override;

   private:
    Authentication ask();
    void judge();
    void judge_unusual(const AuthResult& answer);
    AuthResult failed(const std::exception_ptr& error);

    Callers& callers_;
    const http::HttpRequest& request_;
    const Activity& activity_;
    const std::string_view body_;
    mutable std::optional<Deadline> deadline_;  // most answers are known at once, and need none
    bool accepted_ = false;
    bool failed_ = false;
    Authentication answer_;  // mostly with neither a caller nor a refusal when the authenticator has failed
  };

 private:
  Callers(std::unique_ptr<Authenticator> authenticator, const char* name, Clock& clock, Metrics& metrics);

  void note_refusal(const AuthRefusal& why, std::string_view peer);

  std::unique_ptr<Authenticator> authenticator_;
  const char* name_;                            // for the log
  const TokenAuthenticator* tokens_ = nullptr;  // the authenticator, if it is Tern's
  std::string_view caller_id_;                  // of what channels have sent, if it is Tern's
  Clock& clock_;
  Counter accepted_;
  Counter refused_;
  Counter failed_;
  tern::detail::LogPace pace_;
};

}  // namespace tern::app

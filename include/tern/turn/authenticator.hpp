#pragma once

#include <tern/async/awaitable.hpp>
#include <tern/async/deadline.hpp>
#include <tern/schema/activity.hpp>
#include <tern/turn/identity.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tern {

/// A request with an activity, as an `Authenticator` sees it. The activity has been parsed and is well formed; nothing
/// else about it is certain.
///
/// Lifetime: until the answer is known, an answer that is awaited included; its views live as long.
class InboundRequest {
 public:
  virtual ~InboundRequest() = default;
  /// A header by its name, whatever its capital letters. nullopt when there is none, and when it stands more than once,
  /// because another reader of the request could choose the other one.
  virtual std::optional<std::string_view> header(std::string_view name) const noexcept = 0;
  /// The address of the client, without its port. Behind a proxy of `listen.trusted_proxies` it is the address that the
  /// proxy names, and behind another one that of the proxy.
  virtual std::string_view peer() const noexcept = 0;
  /// The activity: `channel_id`, `service_url`, `recipient` and the rest, as the caller states them.
  virtual const Activity& activity() const noexcept = 0;
  /// The bytes that the activity was read from, for signatures.
  virtual std::string_view body() const noexcept = 0;
  /// When the answer has to be known: `Authenticator::patience` after the request was read.
  virtual Deadline deadline() const noexcept = 0;
};

/// The reason why a caller is not served. The caller is told the message, so it names no secret.
class AuthRefusal {
 public:
  /// 401: the caller has not shown who it is. `challenge` becomes the header WWW-Authenticate.
  static AuthRefusal unauthorized(std::string message, std::string challenge = "Bearer") {
    AuthRefusal made(401, "Unauthorized", std::move(message));
    made.challenge_ = std::move(challenge);
    return made;
  }
  /// 403: the caller is known, and may not do this.
  static AuthRefusal forbidden(std::string message) { return AuthRefusal(403, "Forbidden", std::move(message)); }
  /// 503: it cannot be found out now who the caller is. Channels send the activity again, after `retry_after`.
  static AuthRefusal unavailable(std::string message, std::chrono::seconds retry_after = std::chrono::seconds(1)) {
    AuthRefusal made(503, "ServiceUnavailable", std::move(message));
    made.retry_after_ = retry_after;
    return made;
  }

  /// The status of HTTP.
  unsigned status() const noexcept { return status_; }
  /// The code in the body of the answer.
  std::string_view code() const noexcept { return code_; }
  /// The message in the body of the answer.
  const std::string& message() const noexcept { return message_; }
  /// The header WWW-Authenticate; "" for none.
  const std::string& challenge() const noexcept { return challenge_; }
  /// The header Retry-After, if there is one.
  std::optional<std::chrono::seconds> retry_after() const noexcept { return retry_after_; }

 private:
  AuthRefusal(unsigned status, std::string_view code, std::string message)
      : status_(status), code_(code), message_(std::move(message)) {}

  unsigned status_;
  std::string_view code_;  // a literal
  std::string message_;
  std::string challenge_;
  std::optional<std::chrono::seconds> retry_after_;
};

/// The answer of an `Authenticator`: who the caller is, or why it is refused.
class AuthResult {
 public:
  ///@{
  /// This caller. With a `shared_ptr` an authenticator that keeps what it has verified copies nothing.
  AuthResult(Identity caller) : AuthResult(std::make_shared<const Identity>(std::move(caller))) {}
  AuthResult(std::shared_ptr<const Identity> caller) noexcept : caller_(std::move(caller)) {}
  ///@}
  /// This caller is refused.
  AuthResult(AuthRefusal why) : refusal_(std::make_shared<const AuthRefusal>(std::move(why))) {}

  ///@{
  /// The caller; nullptr when it is refused.
  std::shared_ptr<const Identity> identity() const& noexcept { return caller_; }
  std::shared_ptr<const Identity> identity() && noexcept { return std::move(caller_); }
  ///@}
  /// The same without a share in it. Lifetime: that of this answer.
  const Identity* caller() const noexcept { return caller_.get(); }
  /// Why it is refused; nullptr when it is not.
  const AuthRefusal* refusal() const noexcept { return refusal_.get(); }

 private:
  friend class Authentication;
  AuthResult() = default;

  // Two pointers in place of a variant: almost every answer is moved several times and is no refusal.
  std::shared_ptr<const Identity> caller_;
  std::shared_ptr<const AuthRefusal> refusal_;
};

/// What `Authenticator::authenticate` returns: an answer, or a coroutine that finds one.
class Authentication {
 public:
  ///@{
  /// The answer is known. This costs no coroutine.
  Authentication(AuthResult answer) noexcept : answer_(std::move(answer)) {}
  Authentication(Identity caller) : Authentication(AuthResult(std::move(caller))) {}
  Authentication(std::shared_ptr<const Identity> caller) : Authentication(AuthResult(std::move(caller))) {}
  Authentication(AuthRefusal why) : Authentication(AuthResult(std::move(why))) {}
  ///@}
  /// The answer has to be waited for.
  Authentication(awaitable<AuthResult> later) noexcept : later_(std::move(later)), waits_(true) {}

  ///@{
  /// The answer; nullptr when it has to be waited for.
  AuthResult* known() noexcept { return waits_ ? nullptr : &answer_; }
  const AuthResult* known() const noexcept { return waits_ ? nullptr : &answer_; }
  ///@}
  /// The coroutine that finds the answer. Preconditions: the answer is not known.
  awaitable<AuthResult> take_later() noexcept { return std::move(later_); }

 private:
  AuthResult answer_;
  awaitable<AuthResult> later_;
  bool waits_ = false;
};

/// Finds out who sends activities to `/api/messages`. A bot brings its own with `AppOptions::authenticator`.
///
/// It is asked after the activity was parsed, and before anything else is done with the activity: a caller that is
/// refused takes no place among `limits.turns` and gets no answer that another caller got before. Two activities are
/// the same (a repetition) only when their callers are the same too: kind, app id and tenant id.
///
/// Thread safety: one object serves the whole app. `authenticate` is called on the shard of the connection, on several
///   shards at once, and its coroutines resume where they were awaited.
/// Cancellation: a coroutine that has not ended at `InboundRequest::deadline` receives terminal cancellation; the
///   caller is answered 503.
class Authenticator {
 public:
  virtual ~Authenticator() = default;

  /// How long an answer may take.
  static constexpr std::chrono::seconds patience{5};

  /// Who sends this request. The function does not block; what has to wait is a coroutine. Lifetime: `request` lives
  /// until the coroutine has ended.
  /// Errors: an exception is written to the log, and the caller is answered 500 without its text.
  virtual Authentication authenticate(const InboundRequest& request) = 0;
};

}  // namespace tern

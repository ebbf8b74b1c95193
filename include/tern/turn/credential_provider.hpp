#pragma once

#include <tern/async/awaitable.hpp>
#include <tern/error.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace tern {

/// A token with which a bot shows a service who it is. Whoever has it can speak as the bot until it expires, so it
/// stands in no log and in no error.
///
/// Thread safety: it does not change.
class AccessToken {
 public:
  /// Errors: `errc::invalid_argument` when `token` is empty, or has a character that a header may not have. The message
  ///   does not have the token.
  explicit AccessToken(std::string_view token);

  /// The value of the header `Authorization`: `Bearer` and the token.
  const std::string& authorization() const noexcept { return authorization_; }

 private:
  std::string authorization_;
};

/// A token for a request of a bot.
///
/// Lifetime: the views are valid until `CredentialProvider::token` returns; a coroutine copies what it needs.
struct TokenRequest {
  /// The id of the bot's account in the conversation, as the channel writes it: `28:` and the app id on Teams, the app
  /// id or a name of the bot on others. "" when it is not known.
  std::string_view bot;
  /// What the token is for: "" for channels; `APP_ID/.default` for another bot, which has called this one; or a scope.
  std::string_view scope;
};

/// What `CredentialProvider::token` returns: a token, or a coroutine that gets one.
class TokenAnswer {
 public:
  /// The token is known; nullptr when the bot has none, and sends its request without one. This costs no coroutine.
  TokenAnswer(std::shared_ptr<const AccessToken> token) : answer_(std::move(token)) {}
  /// The token has to be waited for.
  TokenAnswer(awaitable<std::shared_ptr<const AccessToken>> later) : answer_(std::move(later)) {}

  /// Whether the token is known.
  bool is_known() const noexcept { return std::holds_alternative<std::shared_ptr<const AccessToken>>(answer_); }
  /// The token. Preconditions: it is known.
  std::shared_ptr<const AccessToken> take_token() {
    return std::move(std::get<std::shared_ptr<const AccessToken>>(answer_));
  }
  /// The coroutine that gets the token. Preconditions: it is not known.
  awaitable<std::shared_ptr<const AccessToken>> take_later() {
    return std::move(std::get<awaitable<std::shared_ptr<const AccessToken>>>(answer_));
  }

 private:
  std::variant<std::shared_ptr<const AccessToken>, awaitable<std::shared_ptr<const AccessToken>>> answer_;
};

/// A bot has no token for its request, and nothing was sent. `what()`, which goes into logs, has no secret. `code()` is
/// `errc::channel_unreachable`.
class NoToken : public Error {
 public:
  /// Why there is none.
  enum class Why : std::uint8_t {
    unavailable,  ///< for now: the token service is away or busy. The schedule tries the send again, as in an outage.
    refused       ///< the bot's credentials are wrong. The schedule takes it for a 401: the whole bot is refused.
  };

  /// `message`: what was wrong, where, and what to do, without a secret.
  NoToken(Why why, const std::string& message);
  /// Why there is none.
  Why why() const noexcept { return why_; }

 private:
  Why why_;
};

/// Gives a bot the tokens that it shows to the services of channels. A bot brings its own with
/// `AppOptions::credentials`.
///
/// A token is asked for after it is known that the bot may send to the service. It is sent over https only, to the
/// service that the activity names, after a redirect only to the same origin.
///
/// Thread safety: one object serves the whole app. The functions are called on the shard of the send, on several shards
///   at once, and their coroutines resume where they were awaited.
/// Cancellation: a coroutine that has not ended at the deadline of its send receives terminal cancellation; the send
///   fails with `errc::timed_out`.
class CredentialProvider {
 public:
  virtual ~CredentialProvider() = default;

  /// The token for this request. The function does not block; what has to wait is a coroutine.
  /// Errors: `NoToken`, from the function or from the coroutine. Any other exception but `operation_aborted` counts as
  ///   `NoToken::Why::unavailable`, with its text in the log.
  virtual TokenAnswer token(const TokenRequest& request) = 0;

  /// A service has answered 401 to this token. True when the next call of `token` gives another one, or may do so once
  /// it was waited for: the send is then tried once more with that one, and not again. A service that answers 401 has
  /// not taken the message. Here it returns false, and the 401 is the end of the send.
  virtual bool refused(const TokenRequest& request, const std::shared_ptr<const AccessToken>& token) {
    (void)request;
    (void)token;
    return false;
  }
};

/// The credentials of several bots of one process, which are picked by the bot's account.
///
/// Thread safety: `add` before the others; then any thread.
class CredentialsOfBots final : public CredentialProvider {
 public:
  /// The credentials of the bot whose account has this id: its app id, or another name that a channel gives it. `28:`,
  /// which Teams writes before an app id, is left out, and capital letters do not matter. The first bot is also taken
  /// for accounts that none has. Several names may share one provider.
  CredentialsOfBots& add(std::string_view account, std::shared_ptr<CredentialProvider> credentials);

  /// Errors: those of the bot's own; `NoToken` when no bot was added.
  TokenAnswer token(const TokenRequest& request) override;
  bool refused(const TokenRequest& request, const std::shared_ptr<const AccessToken>& token) override;

 private:
  CredentialProvider* of(std::string_view account) const;

  std::map<std::string, std::shared_ptr<CredentialProvider>, std::less<>> by_account_;  // in lower case
  CredentialProvider* first_ = nullptr;
};

}  // namespace tern

#include <tern/turn/credential_provider.hpp>

#include <algorithm>

namespace tern {

namespace {

constexpr std::string_view bot_of_teams = "28:";

// Printable ASCII without blanks: what a token may have (RFC 6750, 2.1), and a little more.
bool may_be_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

std::string account_name(std::string_view account) {
  if (account.starts_with(bot_of_teams)) {
    account.remove_prefix(bot_of_teams.size());
  }
  std::string name(account);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return name;
}

}  // namespace

AccessToken::AccessToken(std::string_view token) {
  if (!may_be_token(token)) {
    throw_error(errc::invalid_argument,
                token.empty() ? "A token is empty." : "A token has a character that no header may have.");
  }
  authorization_.append("Bearer ").append(token);
}

NoToken::NoToken(Why why, const std::string& message) : Error(errc::channel_unreachable, message), why_(why) {}

CredentialsOfBots& CredentialsOfBots::add(std::string_view account, std::shared_ptr<CredentialProvider> credentials) {
  if (!credentials) {
    throw_error(errc::invalid_argument, "CredentialsOfBots::add was given no credentials.");
  }
  if (first_ == nullptr) {
    first_ = credentials.get();
  }
  if (!by_account_.emplace(account_name(account), std::move(credentials)).second) {
    throw_error(errc::invalid_argument,
                "CredentialsOfBots::add was given the account \"" + std::string(account) + "\" twice.");
  }
  return *this;
}

CredentialProvider* CredentialsOfBots::of(std::string_view account) const {
  if (by_account_.size() < 2) {
    return first_;  // without the name, which may cost an allocation
  }
  const auto found = by_account_.find(account_name(account));
  return found != by_account_.end() ? found->second.get() : first_;
}

TokenAnswer CredentialsOfBots::token(const TokenRequest& request) {
  CredentialProvider* const bot = of(request.bot);
  if (bot == nullptr) {
    throw NoToken(NoToken::Why::refused, "No bot was added to CredentialsOfBots; nothing was sent.");
  }
  return bot->token(request);
}

bool CredentialsOfBots::refused(const TokenRequest& request, const std::shared_ptr<const AccessToken>& token) {
  CredentialProvider* const bot = of(request.bot);
  return bot != nullptr && bot->refused(request, token);
}

}  // namespace tern

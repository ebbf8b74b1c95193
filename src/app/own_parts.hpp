#pragma once

#include <tern/app/app.hpp>

#include <memory>

namespace tern::app {

/// Makes the bot's own sender for a shard. Preconditions: `factory` is not empty.
/// Errors: the errors of the factory; `errc::invalid_argument` when it returns nothing.
std::unique_ptr<ChannelSender> make_own_sender(const ChannelSenderFactory& factory, const SenderContext& context);

/// Makes the bot's own credentials. Preconditions and errors: as for `make_own_sender`.
std::unique_ptr<CredentialProvider> make_own_credentials(const CredentialFactory& factory,
                                                         const CredentialContext& context);

/// Makes the bot's own authenticator. Preconditions and errors: as for `make_own_sender`.
std::unique_ptr<Authenticator> make_own_authenticator(const AuthenticatorFactory& factory, const BotContext& context);

}  // namespace tern::app

#include "app/own_parts.hpp"

#include <tern/error.hpp>

namespace tern::app {

std::unique_ptr<ChannelSender> make_own_sender(const ChannelSenderFactory& factory, const SenderContext& context) {
  auto made = factory(context);
  if (!made) {
    throw_error(errc::invalid_argument, "The factory AppOptions::channel_sender returned no sender.");
  }
  return made;
}

std::unique_ptr<CredentialProvider> make_own_credentials(const CredentialFactory& factory,
                                                         const CredentialContext& context) {
  auto made = factory(context);
  if (!made) {
    throw_error(errc::invalid_argument, "The factory AppOptions::credentials returned no credentials.");
  }
  return made;
}

std::unique_ptr<Authenticator> make_own_authenticator(const AuthenticatorFactory& factory, const BotContext& context) {
  auto made = factory(context);
  if (!made) {
    throw_error(errc::invalid_argument, "The factory AppOptions::authenticator returned no authenticator.");
  }
  return made;
}

}  // namespace tern::app

#include <string_view>
#include <tern/error.hpp>

namespace tern {
namespace {

class TernCategory final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "tern"; }

  // Long: one line or two for each code.
  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::overloaded:
        return "a bound of limits.* is reached; try again later, or raise the bound";
      case errc::timed_out:
        return "the deadline passed before the operation ended; try again, or allow it more time";
      case errc::shutting_down:
        return "the process is shutting down and takes no new work; send it to another, or wait for the next start";
      case errc::proactive_disabled:
        return "proactive messages are off; set proactive.enabled to true";
      case errc::conflict:
        return "another writer has changed the document since it was read; read it again and repeat the change";
      case errc::storage_unavailable:
        return "the storage cannot be reached; check that it runs and that storage.* points to it";
      case errc::not_found:
        return "there is nothing of this name; check the name, or whether it was removed";
      case errc::channel_unreachable:
        return "the channel's service could not be reached or the connection was lost; check the serviceUrl and the "
               "network, then try again";
      case errc::channel_rejected:
        return "the channel answered with an error status; see the status and its message";
      case errc::service_url_refused:
        return "the configuration does not allow sending to this serviceUrl; add its host to the allow-list if it is "
               "trusted";
      case errc::unknown_continuation:
        return "no continuation is registered under this name; register it when the bot is set up";
      case errc::invalid_argument:
        return "an argument is outside what the function accepts; see the function's description";
      case errc::turn_ended:
        return "a turn or conversation was used after its end; let background work use the Conversation that it is "
               "given";
      case errc::state_mismatch:
        return "the stored value does not have the type that the bot reads it as; see docs/state.md";
      case errc::host_unreachable:
        return "the server could not be reached or the connection was lost; check the URL and the network, then try "
               "again";
      case errc::bad_answer:
        return "the server's answer is malformed or exceeds a bound; see the message";
      case errc::address_refused:
        return "the host leads to an address inside this network, and is not named in bot.allowed_hosts; name it there "
               "if it is trusted";
    }
    return "unknown error " + std::to_string(value);
  }
};

}  // namespace

const boost::system::error_category& error_category() noexcept {
  static const TernCategory category;
  return category;
}

error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

namespace {

// A message may repeat text from outside, and `what()` would end at a NUL in it.
std::string without_nul(std::string text) {
  constexpr std::string_view replacement = "\xEF\xBF\xBD";
  for (auto at = text.find('\0'); at != std::string::npos; at = text.find('\0', at)) {
    text.replace(at, 1, replacement);
  }
  return text;
}

}  // namespace

void throw_error(errc code, const std::string& message) {
  throw Error(code, without_nul(message));
}

std::string message_of(const system_error& error) {
  const std::string_view text = error.what();
  const auto added = ": " + error.code().what();
  return std::string(text.ends_with(added) ? text.substr(0, text.size() - added.size()) : text);
}

}  // namespace tern

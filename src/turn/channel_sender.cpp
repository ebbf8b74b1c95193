#include <tern/turn/channel_sender.hpp>

#include <utility>

namespace tern {

namespace {

std::string describe(int status, const std::string& code) {
  std::string text = "the channel answered " + std::to_string(status);
  if (!code.empty()) {
    text.append(": ").append(code);
  }
  return text;
}

}  // namespace

ChannelError::ChannelError(int status, std::string code, std::optional<std::chrono::milliseconds> retry_after,
                           std::string said, By by)
    : Error(errc::channel_rejected, describe(status, code)),
      status_(status),
      retry_after_(retry_after),
      said_(std::move(said)),
      by_(by) {}

}  // namespace tern

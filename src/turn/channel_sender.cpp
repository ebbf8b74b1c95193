#include <tern/turn/channel_sender.hpp>

#include <utility>

namespace tern {

namespace {

std::string describe(int status, std::string detail) {
  std::string text = "the channel answered " + std::to_string(status);
  if (!detail.empty()) {
    text.append(": ").append(detail);
  }
  return text;
}

}  // namespace

ChannelError::ChannelError(int status, std::string detail, std::optional<std::chrono::milliseconds> retry_after)
    : system_error(make_error_code(errc::channel_rejected), describe(status, std::move(detail))),
      status_(status),
      retry_after_(retry_after) {}

}  // namespace tern

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

awaitable<ResourceResponse> ChannelSender::send_if(const Activity& activity, std::string request_id, Deadline by,
                                                   std::function<bool()> may_begin) {
  if (may_begin && !may_begin()) {
    throw_error(errc::timed_out,
                "the request waited so long that it is not this process's to send any more; nothing was sent");
  }
  auto response = co_await send(activity, std::move(request_id), by);
  co_return response;
}

}  // namespace tern

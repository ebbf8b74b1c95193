#pragma once

#include <tern/async/manual_clock.hpp>
#include <tern/turn/channel_sender.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::test {

/// What the channel does with a request instead of answering it, and with which requests. Setters chain:
///
///     world.channel().order(Fault::status(429).retry_after(30s));              // the next request
///     world.channel().order(Fault::hang().nth(3));                             // the third from now
///     world.channel().order(Fault::close().text("pizza").always());            // every message with that word
class Fault {
 public:
  /// Answers with this status, 400 to 599, and the protocol's error body. What it refuses has not arrived.
  static Fault status(int status, std::string code = "ServiceError");
  /// Answers with this status and the page of a gateway: the channel itself has not seen the request.
  static Fault gateway(int status);
  /// Takes no connection: nothing was sent.
  static Fault refuse();
  /// Takes the request and closes the connection before it has answered: the message may have arrived. Here it has,
  /// unless `lost` says otherwise.
  static Fault close();
  /// Takes the request and never answers. The bot gives up at its own deadline; the message has arrived, unless `lost`.
  static Fault hang();
  /// Answers as usual, but only after this time.
  static Fault slow(std::chrono::milliseconds duration);

  /// With `status` and `gateway`: asks the bot to wait for this long (Retry-After).
  Fault& retry_after(std::chrono::milliseconds wait);
  /// With `close` and `hang`: the message has not arrived.
  Fault& lost();
  /// Not the next request that it is meant for, but the `n`-th from now, counted from 1.
  Fault& nth(std::size_t n);
  /// As many requests in a row as this. Default: 1.
  Fault& times(std::size_t count);
  /// All requests from then on, until `Channel::heal`.
  Fault& always();
  /// Only for requests that `matches` takes, by their activity.
  Fault& when(std::function<bool(const Activity&)> matches);
  /// Only for messages whose text contains this.
  Fault& text(std::string part);
  /// Only for what goes to this conversation.
  Fault& conversation(std::string id);

 private:
  friend class Channel;
  enum class Kind : std::uint8_t { status, gateway, refuse, close, hang, slow };
  explicit Fault(Kind kind) : kind_(kind) {}

  Kind kind_;
  int status_ = 0;
  std::string code_;
  std::chrono::milliseconds duration_{0};
  std::optional<std::chrono::milliseconds> retry_after_;
  bool lost_ = false;
  std::size_t first_ = 1;
  std::size_t count_ = 1;
  std::vector<std::function<bool(const Activity&)>> matches_;
};

/// One request that the bot made to the channel.
struct ChannelCall {
  enum class Kind : std::uint8_t { send, update, remove, create };
  Kind kind = Kind::send;
  /// What was sent, with the id that the channel has given it. Of `remove`: the id and the conversation. Of `create`:
  /// the activity that the bot asked to begin with, if any, with the service's address.
  Activity activity;
  std::string request_id;  ///< of a scheduled send: the same at each try
  WallTime at{};
  bool arrived = false;  ///< the channel has it, whatever the bot was told
};

/// The channel's service inside a test: takes what the bot sends, answers each with an id (`sent-1`, `sent-2`, ...),
/// and fails as it is ordered to. It takes no time by itself.
///
/// Lifetime: that of its world.
/// Thread safety: that of its world.
class Channel final : public ChannelSender {
 public:
  explicit Channel(ManualClock& clock);

  /// From now on. Of several faults that are meant for one request, the one that was ordered first is done.
  Channel& order(Fault fault);
  /// All faults are forgotten. What hangs goes on hanging.
  void heal();

  /// Everything that the bot has asked for so far, the oldest first, with what was refused.
  const std::vector<ChannelCall>& calls() const noexcept { return calls_; }
  /// The activities that have arrived, the oldest first, with typing and the like.
  std::vector<Activity> arrived() const;
  /// The texts of the messages that have arrived, in all conversations.
  std::vector<std::string> texts() const;
  /// How many requests are under way now.
  std::size_t under_way() const noexcept { return under_way_; }

  awaitable<ResourceResponse> send(const Activity& activity, std::string request_id, Deadline by) override;
  awaitable<ResourceResponse> update(const Activity& activity, Deadline by) override;
  awaitable<void> remove(const ConversationReference& reference, Deadline by) override;
  awaitable<ConversationResourceResponse> create_conversation(std::string service_url,
                                                              ConversationParameters parameters, Deadline by) override;

  /// What comes besides the channel, such as the answer to `expectReplies`, is noted as arrived too.
  void note_arrived(Activity activity);

 private:
  struct Ordered {
    Fault fault;
    std::size_t seen = 0;
  };

  awaitable<std::size_t> take(ChannelCall call, Deadline by);
  std::optional<Fault> next_fault(const Activity& activity);
  awaitable<void> fail(Fault fault, std::size_t index, Deadline by);

  ManualClock& clock_;
  std::list<Ordered> ordered_;
  std::vector<ChannelCall> calls_;
  std::size_t under_way_ = 0;
};

}  // namespace tern::test

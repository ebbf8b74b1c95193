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

/// A fault that a test orders: what the channel does instead of answering, and with which requests. Setters chain:
///
///     world.channel().order(Fault::status(429).retry_after(30s));              // the next request
///     world.channel().order(Fault::hang().nth(3));                             // the third from now
///     world.channel().order(Fault::close().text("pizza").always());            // every message with that word
class Fault {
 public:
  /// Answers with this status, 400 to 599, and the protocol's error body. The message has not arrived.
  static Fault status(int status, std::string code = "ServiceError");
  /// Answers with this status and the page of a gateway: the channel itself has not seen the request.
  static Fault gateway(int status);
  /// Takes no connection: nothing was sent.
  static Fault refuse();
  /// Takes the request and closes the connection before it has answered. The bot cannot know whether the message has
  /// arrived. It has, unless `lost` is set.
  static Fault close();
  /// Takes the request and never answers, so that the bot gives up at its deadline. The message has arrived, unless
  /// `lost` is set.
  static Fault hang();
  /// Answers as usual, but only after this time.
  static Fault slow(std::chrono::milliseconds duration);

  /// With `status` and `gateway`: asks the bot to wait for this long (Retry-After).
  Fault& retry_after(std::chrono::milliseconds wait);
  /// With `close` and `hang`: the message has not arrived.
  Fault& lost();
  /// The `n`-th request from now, counted from 1, instead of the next one. Only requests that the fault is meant for
  /// count.
  Fault& nth(std::size_t n);
  /// This many requests in a row. Default: 1.
  Fault& times(std::size_t count);
  /// All requests from then on, until `Channel::heal`.
  Fault& always();
  /// Only for requests with an activity for which `matches` returns true.
  Fault& when(std::function<bool(const Activity&)> matches);
  /// Only for messages whose text contains this.
  Fault& text(std::string part);
  /// Only for requests to this conversation.
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
  /// The function of `ChannelSender`.
  enum class Kind : std::uint8_t { send, update, remove, create };
  Kind kind = Kind::send;  ///< which function
  /// The activity that was sent, with the id that the channel gave it. For `remove`: an activity with the id and the
  /// conversation. For `create`: the first activity, if the bot gave one, with the service's address.
  Activity activity;
  std::string request_id;  ///< of a scheduled send: the same at each try
  WallTime at{};           ///< when it was made, by the clock of the world
  bool arrived = false;    ///< whether the channel has it; the bot may know less
};

/// The service of the channel inside a test. It takes the activities that the bot sends, answers each with an id
/// (`sent-1`, `sent-2`, ...), and fails as the test orders. It takes no time by itself.
///
/// Lifetime: as its world.
/// Thread safety: as its world.
class Channel final : public ChannelSender {
 public:
  /// For the world.
  explicit Channel(ManualClock& clock);

  /// Orders a fault from now on. Of several faults that are meant for one request, the one that was ordered first
  /// happens.
  Channel& order(Fault fault);
  /// Forgets all faults. Requests that hang go on hanging.
  void heal();

  /// All requests of the bot so far, the oldest first, refused ones included.
  const std::vector<ChannelCall>& calls() const noexcept { return calls_; }
  /// The activities that have arrived, of every type, the oldest first.
  std::vector<Activity> arrived() const;
  /// The texts of the messages that have arrived, in all conversations.
  std::vector<std::string> texts() const;
  /// How many requests are under way now.
  std::size_t under_way() const noexcept { return under_way_; }

  ///@{
  /// As `ChannelSender` says; the bot calls them.
  awaitable<ResourceResponse> send(const Activity& activity, std::string request_id, Deadline by) override;
  awaitable<ResourceResponse> update(const Activity& activity, Deadline by) override;
  awaitable<void> remove(const ConversationReference& reference, Deadline by) override;
  awaitable<ConversationResourceResponse> create_conversation(std::string service_url,
                                                              ConversationParameters parameters, Deadline by) override;
  ///@}

  /// Notes an activity that came on another way, such as the answer to `expectReplies`, as arrived.
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

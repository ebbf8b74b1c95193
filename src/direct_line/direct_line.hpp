#pragma once

#include "async/task_group.hpp"
#include "direct_line/access.hpp"
#include "direct_line/client_places.hpp"
#include "direct_line/conversations.hpp"
#include "direct_line/history.hpp"
#include "direct_line/offer_line.hpp"
#include "direct_line/options.hpp"
#include "direct_line/outbox.hpp"
#include "direct_line/rates.hpp"
#include "direct_line/read_pace.hpp"
#include "direct_line/stream_session.hpp"
#include "direct_line/streamed_posts.hpp"
#include "direct_line/uploads.hpp"
#include "http/http_types.hpp"

#include <tern/async/clock.hpp>
#include <tern/async/metrics.hpp>
#include <tern/storage/any_storage.hpp>
#include <tern/turn/channel_inlet.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tern::direct_line {

class Endpoint;

/// A token for a client.
struct ClientToken {
  std::string conversation;
  std::string token;
  std::chrono::seconds expires_in{};
};

/// Direct Line 3.0 as a channel in the process of the bot: the calls of its clients, the conversations in the store,
/// and what the bot sends to them.
///
/// Lifetime: clock, metrics and inlet outlive it. It outlives the coroutines that serve requests.
/// Thread safety: `open`, `close` and `set_bot` from one thread, before and after everything else; the others from any
/// shard.
class DirectLine {
 public:
  DirectLine(Options options, AnyStorage storage, Clock& clock, Metrics& metrics);
  ~DirectLine();
  DirectLine(const DirectLine&) = delete;
  DirectLine& operator=(const DirectLine&) = delete;

  /// Who gets the activities of clients. Call it before the first request.
  void set_bot(ChannelInlet& bot) noexcept { bot_ = &bot; }
  /// Makes the secret if there is none, and begins to look after the store, on `ex`. The storage is open.
  awaitable<void> open(executor ex, Deadline by);
  /// Waits for the turns whose replies are still being stored, ends what `open` began, and waits for the writes under
  /// way. True when all has ended in time and nothing was cut.
  awaitable<bool> close(Deadline by);

  /// Serves all paths below `root_path`.
  http::HttpHandler& endpoint() noexcept;
  /// The bytes that the body of this request may have: more than usual for files of a client with a good token; 0 for
  /// every other request. The token is looked at before the body is read, so that strangers fill no memory.
  std::size_t body_of(const http::HttpRequest& request) const noexcept;
  /// The most that `body_of` returns.
  std::size_t largest_body() const noexcept { return options_.bounds.upload + options_.bounds.message + form_bytes; }
  /// Sends what the bot says.
  ChannelSender& sender() noexcept { return outbox_; }
  /// A token for a new conversation of a user on Tern's own page, which works on pages of `origin` alone.
  /// Preconditions: `open`; `origin` is one (`parse_origin`).
  ClientToken page_token(std::string user, std::string name, std::string origin) const;

  /// Who makes tokens; nullptr before `open`.
  const TokenMaker* tokens() const noexcept { return access_ ? &access_->tokens() : nullptr; }

  std::size_t sockets() const { return sockets_.taken(); }

 private:
  friend class Endpoint;

  static constexpr std::size_t form_bytes = std::size_t{64} * 1024;  // what a form has around its parts

  awaitable<void> look_after_store();
  awaitable<void> sweep_all();

  const Options options_;
  AnyStorage storage_;
  Clock& clock_;
  History history_;
  Conversations conversations_;
  Outbox outbox_;
  Uploads uploads_;
  Rates token_rates_;
  Rates address_rates_;
  Rates address_bytes_;
  ReadPace reads_;
  ClientPlaces sockets_;
  ClientPlaces downloads_;
  Counter received_;
  Counter refused_;
  ChannelInlet* bot_ = nullptr;
  std::optional<Access> access_;  // from `open` on
  std::unique_ptr<Endpoint> endpoint_;
  OfferLine offers_;
  StreamedPosts posts_;
  // The last members: their tasks use the others.
  TaskGroup turns_;  // ends by itself
  TaskGroup tasks_;  // looks after things until `close`
};

}  // namespace tern::direct_line

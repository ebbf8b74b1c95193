#include "runtime/streamed_replies.hpp"

#include "async/keyed_hash.hpp"
#include "runtime/refusal.hpp"

#include <tern/error.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <utility>

namespace tern::runtime {

namespace {

constexpr std::size_t largest_piece = 16 * 1024;
constexpr std::string_view end_of_event = "\n\n";
constexpr std::string_view comment = ":\n\n";

constexpr std::size_t run_size = 32;

// A process hashes with a random key of its own, so the hashes of its numbers are no other process's.
std::string new_run() {
  static std::atomic<std::uint64_t> runs{0};
  detail::KeyedHasher hasher;
  hasher.add("a run of a turn that streams");
  hasher.add(++runs);
  const auto digest = hasher.digest();
  std::array<char, run_size + 1> hex{};
  (void)std::snprintf(hex.data(), hex.size(), "%016llx%016llx", static_cast<unsigned long long>(digest.high),
                      static_cast<unsigned long long>(digest.low));
  return {hex.data(), run_size};
}

// Serialized JSON has no line breaks, so one data line is enough.
void append_event(std::string& text, std::string_view name, std::string_view data) {
  text.append("event: ").append(name).append("\ndata: ").append(data).append(end_of_event);
}

// 501 says that the bot does not know the invoke.
bool is_answered(const TurnReply& reply, bool invoke) {
  return invoke && reply.outcome == TurnOutcome::done && (reply.invoke_status < 500 || reply.invoke_status == 501);
}

}  // namespace

/// Keeps a sleeper in the list while its coroutine exists: nothing may be posted to an executor that was destroyed.
class StreamedReplies::Sleep {
 public:
  Sleep(StreamedReplies& replies, Sleepers& list, std::shared_ptr<Sleeper> sleeper)
      : replies_(replies), list_(list), sleeper_(std::move(sleeper)) {
    const std::lock_guard lock(replies_.mutex_);
    list_.push_back(sleeper_);
  }
  ~Sleep() {
    const std::lock_guard lock(replies_.mutex_);
    std::erase(list_, sleeper_);
  }
  Sleep(const Sleep&) = delete;
  Sleep& operator=(const Sleep&) = delete;

 private:
  StreamedReplies& replies_;
  Sleepers& list_;
  std::shared_ptr<Sleeper> sleeper_;
};

StreamedReplies::StreamedReplies(std::size_t buffer, std::size_t kept, Clock& clock)
    : buffer_(buffer), kept_(kept), clock_(clock), run_(new_run()) {}

StreamedReplies::StreamedReplies(std::string run, std::string text)
    : buffer_(1),
      kept_(text.size()),
      clock_(system_clock()),
      run_(std::move(run)),
      text_(std::move(text)),
      ended_(true) {}

std::shared_ptr<StreamedReplies> StreamedReplies::ended(std::string_view kept) {
  std::string run(kept.substr(0, run_size));
  std::string text(kept.substr(run.size()));
  return std::shared_ptr<StreamedReplies>(new StreamedReplies(std::move(run), std::move(text)));
}

std::unique_ptr<ReplyReader> StreamedReplies::read() {
  auto reader = std::make_unique<ReplyReader>(shared_from_this());
  const std::lock_guard lock(mutex_);
  if (!whole_) {
    return nullptr;
  }
  readers_.push_back(reader.get());
  return reader;
}

void StreamedReplies::add(std::string_view json) {
  const std::lock_guard lock(mutex_);
  if (!ended_) {
    add_event("activity", json);
    wake(readers_asleep_);
  }
}

void StreamedReplies::add_event(std::string_view name, std::string_view data) {
  append_event(text_, name, data);
  whole_ = whole_ && size() <= kept_;
  forget_what_nobody_needs();
}

bool StreamedReplies::must_wait() const noexcept {
  return !ended_ && !readers_.empty() && size() - readers_.front()->written_ >= buffer_;
}

bool StreamedReplies::full() const {
  const std::lock_guard lock(mutex_);
  return must_wait();
}

awaitable<void> StreamedReplies::room() {
  const auto self = shared_from_this();
  const auto sleeper = std::make_shared<Sleeper>(clock_, co_await this_coro::executor);
  const Sleep asleep(*this, writers_asleep_, sleeper);
  // The sleeper enters the list before the check: a reader that makes room wakes it, or the check finds the room.
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      sleeper->woken = false;
      if (!must_wait()) {
        co_return;
      }
    }
    co_await sleep(sleeper);
  }
}

void StreamedReplies::end(const TurnReply& reply, bool invoke) {
  const std::lock_guard lock(mutex_);
  if (answered_) {
    return;
  }
  answered_ = true;
  if (size() == 0 && !begun_ && reply.is_error() && !(invoke && reply.invoke_status == 501)) {
    plain_ = reply;
  } else if (is_answered(reply, invoke)) {
    add_event("invokeResponse", "{\"status\":" + std::to_string(reply.invoke_status) +
                                    ",\"body\":" + (reply.body.empty() ? "null" : reply.body) + "}");
  } else if (reply.is_error()) {
    add_event("error", error_text(reply));
  }
  if (works_ > 0 && !invoke && !reply.is_error()) {
    wake(readers_asleep_);
    return;
  }
  close();
}

void StreamedReplies::close() {
  ended_ = true;
  wake(readers_asleep_);
  wake(writers_asleep_);
}

void StreamedReplies::begin_work() {
  const std::lock_guard lock(mutex_);
  ++works_;
}

void StreamedReplies::end_work() {
  std::function<void()> told;
  {
    const std::lock_guard lock(mutex_);
    if (--works_ > 0 || !answered_ || ended_) {
      return;
    }
    close();
    told = std::exchange(told_, nullptr);
  }
  if (told) {
    told();
  }
}

bool StreamedReplies::ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

bool StreamedReplies::is_read() const {
  const std::lock_guard lock(mutex_);
  return !ended_ && !readers_.empty();
}

void StreamedReplies::on_end(std::function<void()> told) {
  const std::lock_guard lock(mutex_);
  told_ = std::move(told);
}

std::optional<std::string> StreamedReplies::whole() const {
  const std::lock_guard lock(mutex_);
  return whole_ ? std::optional(run_ + text_) : std::nullopt;
}

std::size_t StreamedReplies::bytes() const {
  const std::lock_guard lock(mutex_);
  return text_.size();
}

// Half of the text or more is forgotten at once, because the rest is moved to the front.
void StreamedReplies::forget_what_nobody_needs() {
  if (whole_) {
    return;
  }
  const auto from = readers_.empty() ? size() : std::max(begin_, readers_.front()->written_);
  const auto needless = static_cast<std::size_t>(from - begin_);
  if (needless > 0 && needless >= text_.size() / 2) {
    text_.erase(0, needless);
    begin_ = from;
  }
}

void StreamedReplies::wake(const Sleepers& sleepers) {
  for (const auto& sleeper : sleepers) {
    if (!std::exchange(sleeper->woken, true)) {
      asio::post(sleeper->ex, [sleeper] { sleeper->timer.cancel(); });
    }
  }
}

awaitable<bool> StreamedReplies::sleep(std::shared_ptr<Sleeper> sleeper, SteadyTime until) {
  const bool came = co_await sleeper->timer.wait_until(until);
  co_return came;
}

ReplyReader::~ReplyReader() {
  auto& all = *replies_;
  const std::lock_guard lock(all.mutex_);
  if (std::erase(all.readers_, this) > 0) {
    all.forget_what_nobody_needs();
    StreamedReplies::wake(all.writers_asleep_);
  }
}

std::string ReplyReader::piece() const {
  const auto rest = std::string_view(replies_->text_).substr(static_cast<std::size_t>(written_ - replies_->begin_));
  if (rest.size() <= largest_piece) {
    return std::string(rest);
  }
  const auto first = rest.substr(0, largest_piece);
  const auto end = first.rfind(end_of_event);
  return std::string(end == std::string_view::npos ? first : first.substr(0, end + end_of_event.size()));
}

ReplyReader::Step ReplyReader::take(StreamedReplies::Sleeper* asker) {
  auto& all = *replies_;
  const std::lock_guard lock(all.mutex_);
  if (asker != nullptr) {
    asker->woken = false;
  }
  if (given_ > 0) {
    written_ += std::exchange(given_, 0);
    all.forget_what_nobody_needs();
    if (!all.must_wait()) {
      StreamedReplies::wake(all.writers_asleep_);
    }
  }
  if (written_ < all.begin_) {
    throw_error(errc::overloaded,
                "A client that sent an activity again read the streamed replies too slowly: its next replies are no "
                "longer kept (limits.stream_replay).");
  }
  if (written_ < all.size()) {
    auto text = piece();
    given_ = text.size();
    return {.ready = true, .piece = std::move(text)};
  }
  return {.ready = all.ended_, .piece = std::nullopt};
}

awaitable<std::optional<std::string>> ReplyReader::next() {
  auto step = take(nullptr);
  bool silent = std::exchange(was_silent_, false);
  if (!step.ready && !silent) {
    auto& clock = replies_->clock_;
    const auto sleeper = std::make_shared<StreamedReplies::Sleeper>(clock, co_await this_coro::executor);
    const StreamedReplies::Sleep asleep(*replies_, replies_->readers_asleep_, sleeper);
    const auto until = clock.now() + StreamedReplies::longest_silence;
    for (step = take(sleeper.get()); !step.ready && !silent; step = take(sleeper.get())) {
      silent = co_await StreamedReplies::sleep(sleeper, until);
    }
  }
  if (!step.ready) {
    co_return std::string(comment);
  }
  co_return std::move(step.piece);
}

awaitable<std::optional<TurnReply>> ReplyReader::begin() {
  auto& clock = replies_->clock_;
  const auto sleeper = std::make_shared<StreamedReplies::Sleeper>(clock, co_await this_coro::executor);
  const StreamedReplies::Sleep asleep(*replies_, replies_->readers_asleep_, sleeper);
  const auto until = clock.now() + StreamedReplies::longest_silence;
  for (;;) {
    {
      const std::lock_guard lock(replies_->mutex_);
      sleeper->woken = false;
      if (replies_->answered_ || replies_->size() > 0 || was_silent_) {
        replies_->begun_ = replies_->begun_ || !replies_->plain_;
        co_return replies_->plain_;
      }
    }
    was_silent_ = co_await StreamedReplies::sleep(sleeper, until);
  }
}

}  // namespace tern::runtime

#include "runtime/awaited_reply.hpp"

#include "pools/block_pool.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include <exception>
#include <utility>

namespace tern::runtime {

namespace {

/// A coroutine that waits for a reply.
class Waiting {
 public:
  virtual ~Waiting() = default;
  virtual void resume() = 0;
};

template <class Handler>
class WaitingOf final : public Waiting, public tern::detail::Pooled<WaitingOf<Handler>> {
 public:
  explicit WaitingOf(Handler handler) : handler_(std::move(handler)) {}
  void resume() override { std::move(handler_)(); }

 private:
  Handler handler_;
};

}  // namespace

/// The turn's side of an awaited reply. It owns the coroutine while that waits. Either side may be destroyed first.
class AwaitedReply::Told final : public TurnObserver, public tern::detail::Pooled<Told> {
 public:
  explicit Told(AwaitedReply& awaited) : awaited_(&awaited) { awaited.told_ = this; }
  ~Told() override {
    if (awaited_ != nullptr) {
      awaited_->told_ = nullptr;
    }
  }

  void on_reply(TurnReply answer) noexcept override {
    fill(std::move(answer));
    resume_soon();
  }
  void on_last_reply(TurnReply answer) noexcept override {
    fill(std::move(answer));
    if (const auto waiting = std::move(waiting_)) {
      try {
        waiting->resume();
      } catch (const std::exception& e) {  // thrown by an operation that the coroutine began next
        log::error("a request could not go on", {{"error", e.what()}});
      }
    }
  }
  void on_stream(std::unique_ptr<ReplyReader> stream) noexcept override {
    if (awaited_ != nullptr) {
      awaited_->replies = std::move(stream);
    }
    resume_soon();
  }
  void forget() noexcept { awaited_ = nullptr; }
  void keep(std::shared_ptr<const void> what) noexcept { kept_ = std::move(what); }
  void wait(executor ex, std::unique_ptr<Waiting> waiting) {
    ex_ = std::move(ex);
    waiting_ = std::move(waiting);
  }

 private:
  void resume_soon() {
    if (waiting_) {
      asio::post(ex_, [waiting = std::move(waiting_)] { waiting->resume(); });
    }
  }
  void fill(TurnReply answer) noexcept {
    if (awaited_ != nullptr) {
      awaited_->reply = std::move(answer);
    }
  }

  AwaitedReply* awaited_;
  executor ex_;
  std::unique_ptr<Waiting> waiting_;
  std::shared_ptr<const void> kept_;
};

AwaitedReply::~AwaitedReply() {
  if (told_ != nullptr) {
    told_->forget();
  }
}

std::unique_ptr<TurnObserver> AwaitedReply::observer() {
  return std::make_unique<Told>(*this);
}

void AwaitedReply::keep(std::shared_ptr<const void> what) noexcept {
  if (told_ != nullptr) {
    told_->keep(std::move(what));
  }
}

awaitable<void> AwaitedReply::wait() {
  if (told_ == nullptr) {
    co_return;
  }
  auto begin = [](auto handler, AwaitedReply* into) {
    executor ex = asio::get_associated_executor(handler);
    // Not `any_completion_handler<void()>`, which in Asio 1.26 wraps itself without end.
    into->told_->wait(std::move(ex), std::make_unique<WaitingOf<decltype(handler)>>(std::move(handler)));
  };
  co_await asio::async_initiate<const asio::deferred_t&, void()>(begin, asio::deferred, this);
}

}  // namespace tern::runtime

#pragma once

#include <tern/async/awaitable.hpp>

#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>

#include <memory>
#include <unordered_map>

namespace tern::http_client {

class HttpCore;
class Shared;

/// The cores that the clients have on one io_context, one for each client. Asio destroys it with the context, so that a
/// client may outlive the context.
/// Thread safety: none, but for `end_soon`; it belongs to the thread that runs the context.
class Cores final : public asio::execution_context::service {
 public:
  static asio::execution_context::id id;

  explicit Cores(asio::io_context& io);

  /// The core of this client on the context that `ex` runs on.
  /// Errors: `errc::invalid_argument` when `ex` is of something else than an io_context; `operation_aborted` when the
  ///   client is destroyed or the context ends.
  static std::shared_ptr<HttpCore> core_on(const executor& ex, const std::shared_ptr<Shared>& client);

  /// Ends the core on the thread of its context: at once when this is that thread. From any thread.
  void end_soon(const std::weak_ptr<HttpCore>& core) noexcept;

 private:
  std::shared_ptr<HttpCore> core_of(const std::shared_ptr<Shared>& client);
  void shutdown() override;

  asio::io_context& io_;
  std::unordered_map<const Shared*, std::shared_ptr<HttpCore>> cores_;
  bool shut_ = false;
};

}  // namespace tern::http_client

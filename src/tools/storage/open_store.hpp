#pragma once

#include "tools/storage/store_spec.hpp"

#include <tern/storage/any_storage.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <utility>

namespace tern::tools {

/// Runs `work` to its end on this thread.
/// Errors: those of `work`.
template <class T>
T finish(awaitable<T> work) {
  asio::io_context io{1};
  auto outcome = asio::co_spawn(io, std::move(work), asio::use_future);
  io.run();
  return outcome.get();
}

/// A store that is open as long as this lives.
///
/// Errors: `ToolError` with what to do about it when it cannot be opened.
class OpenStore {
 public:
  OpenStore(const StoreSpec& spec, Use use);
  ~OpenStore();
  OpenStore(const OpenStore&) = delete;
  OpenStore& operator=(const OpenStore&) = delete;

  const AnyStorage& get() const noexcept { return store_; }

 private:
  AnyStorage store_;
};

}  // namespace tern::tools

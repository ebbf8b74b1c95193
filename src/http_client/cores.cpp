#include "http_client/cores.hpp"

#include "http_client/http_core.hpp"
#include "http_client/shared.hpp"

#include <tern/error.hpp>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>

#include <new>
#include <utility>

namespace tern::http_client {

asio::execution_context::id Cores::id;

Cores::Cores(asio::io_context& io) : asio::execution_context::service(io), io_(io) {}

std::shared_ptr<HttpCore> Cores::core_on(const executor& ex, const std::shared_ptr<Shared>& client) {
  const auto* of_context = ex.target<asio::io_context::executor_type>();
  if (of_context == nullptr) {
    throw_error(
        errc::invalid_argument,
        "an HttpClient is used by a coroutine that does not run on an io_context itself; spawn the coroutine on "
        "an io_context that one thread runs");
  }
  asio::io_context& io = asio::query(*of_context, asio::execution::context);
  return asio::use_service<Cores>(io).core_of(client);
}

std::shared_ptr<HttpCore> Cores::core_of(const std::shared_ptr<Shared>& client) {
  if (const auto found = cores_.find(client.get()); found != cores_.end()) {
    return found->second;
  }
  auto core = std::make_shared<HttpCore>(io_, client);
  if (shut_ || !client->add(*this, core)) {
    throw system_error(asio::error::operation_aborted);
  }
  cores_.emplace(client.get(), core);
  return core;
}

void Cores::end_soon(const std::weak_ptr<HttpCore>& core) noexcept {
  try {
    asio::dispatch(io_, [this, core] {
      if (const auto ending = core.lock()) {
        cores_.erase(&ending->client());
        ending->end();
      }
    });
  } catch (const std::bad_alloc&) {
    // Its connections are closed with the context, then.
  }
}

// A shard's context may be shut down several times.
void Cores::shutdown() {
  shut_ = true;
  for (const auto& [client, core] : std::exchange(cores_, {})) {
    core->client().remove(*this);
    core->end();
  }
}

}  // namespace tern::http_client

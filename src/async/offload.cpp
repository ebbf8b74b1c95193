#include <tern/async/offload.hpp>

#include <algorithm>
#include <thread>

namespace tern {

asio::thread_pool& offload_pool() {
  // Never destroyed: its destructor would wait for a function that blocks, and a drain has promised an end.
  static auto* const pool = new asio::thread_pool(std::max(2U, std::thread::hardware_concurrency()));
  return *pool;
}

}  // namespace tern

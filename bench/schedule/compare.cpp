#include "schedule/compare.hpp"

#include "schedule/store_side.hpp"
#include "storage/figures.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <malloc.h>

#include <cstdio>
#include <memory>
#include <string>

namespace bench {

namespace {

namespace asio = boost::asio;

double heap_bytes() {
  const auto info = ::mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

asio::awaitable<void> send_later(std::chrono::steady_clock::time_point due, std::string message, std::size_t& fired) {
  asio::steady_timer timer(co_await asio::this_coro::executor, due);
  co_await timer.async_wait(asio::deferred);
  fired += message.empty() ? 0 : 1;
}

}  // namespace

PendingFigures measure_asio_timers(std::size_t count) {
  asio::io_context io{1};
  const double cpu = process_cpu_us();
  const double heap = heap_bytes();
  std::size_t fired = 0;
  const auto due = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  for (std::size_t i = 0; i < count; ++i) {
    auto send = make_send("http://127.0.0.1:9", i, count, tern::WallTime());
    asio::co_spawn(io, send_later(due + std::chrono::microseconds(i % 1000), std::move(send.payload), fired),
                   asio::detached);
  }
  io.poll();  // each comes to its timer
  const double bytes = heap_bytes() - heap;
  io.run();
  const auto each = static_cast<double>(count);
  return {bytes / each, (process_cpu_us() - cpu) / each};
}

std::optional<PendingFigures> measure_set_timeout(const std::string& script, std::size_t count) {
  const auto command = "node --expose-gc '" + script + "' " + std::to_string(count) + " 2>/dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> output(::popen(command.c_str(), "r"), ::pclose);
  PendingFigures figures;
  if (!output || std::fscanf(output.get(), "%lf %lf", &figures.bytes, &figures.cpu_us) != 2) {
    return std::nullopt;
  }
  return figures;
}

}  // namespace bench

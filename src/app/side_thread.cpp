#include "app/side_thread.hpp"

#include <tern/async/log.hpp>

#include <exception>

namespace tern::app {

SideThread::SideThread(const char* name) : name_(name), work_(asio::make_work_guard(io_)), thread_([this] { run(); }) {}

SideThread::~SideThread() {
  io_.stop();
  thread_.join();
}

void SideThread::run() noexcept {
  for (;;) {
    try {
      io_.run();
      return;
    } catch (const std::exception& e) {
      log::error("an exception left a handler", {{"thread", name_}, {"error", e.what()}});
    }
  }
}

}  // namespace tern::app

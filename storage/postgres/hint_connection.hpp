#pragma once

#include <tern/storage/hints.hpp>
#include <tern/storage/postgres_storage.hpp>

#include "back_off.hpp"
#include "connection_string.hpp"
#include "hint_statement.hpp"
#include "note_queue.hpp"
#include "session.hpp"
#include "watchdog.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace tern::detail::pg {

/// Hears with LISTEN what other processes have written, and their notes: on a connection and a thread of its own, which
/// begin with `start`. A lost connection is made anew, with back-off; each time the listener is told that hints may
/// have been missed. The notes of this process are told on the same connection, so that they hold up no write; those of
/// 20 ms are told together.
///
/// A pooler that gives each transaction another connection of the server does not pass notifications on, and engines
/// that merely resemble PostgreSQL may have none. Then nothing is heard, and the log says so once.
///
/// Thread safety: `hears` and `tell` from any thread; the others from the owner's, `hear_notes` before `start`, and
/// each once.
class HintConnection {
 public:
  HintConnection(const ConnectionString& target, const PostgresOptions& options, const HintStatement& hint,
                 Watchdog& watchdog);
  ~HintConnection();
  HintConnection(const HintConnection&) = delete;
  HintConnection& operator=(const HintConnection&) = delete;

  void hear_notes(NoteListener listener) { note_listener_ = std::move(listener); }
  void start(HintListener listener);
  bool hears() const noexcept { return hears_.load(std::memory_order_acquire); }
  /// Tells a note if the connection is there.
  void tell(std::string topic, std::string text);
  /// Ends the connection and the thread; waits for a listener that is running.
  void stop() noexcept;

 private:
  void run();
  /// Connects, and tells what comes until the end. Errors: `Failure`. False when nothing will ever be heard.
  bool hear();
  bool listen(Session& session);
  void follow(Session& session);
  void wait(Session& session, SteadyTime until);
  void tell_notes(Session& session);
  void wake() noexcept;
  void take(const std::string& payload);
  void take_note(const std::string& payload);
  bool is_own(std::string_view payload) const noexcept;
  void say_away(const Failure& failure);
  static void say_never(const char* why);
  bool is_stopped();

  const ConnectionString& target_;
  const PostgresOptions& options_;
  const HintStatement& hint_;
  Watchdog& watchdog_;
  HintListener listener_;
  NoteListener note_listener_;
  NoteQueue notes_;
  BackOff back_off_;
  bool said_away_ = false;
  bool said_not_told_ = false;
  std::atomic<bool> hears_ = false;
  int wake_;  // an eventfd: the end or a note, for a thread that waits for the socket

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;  ///< guarded by `mutex_`
  std::thread thread_;
};

}  // namespace tern::detail::pg

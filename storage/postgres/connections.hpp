#pragma once

#include "lane_work.hpp"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tern::detail::pg {

/// The state of the connections, which may be read even after they are gone.
class Health {
 public:
  /// "" when every connection is there.
  std::string obstacle() const;
  void set_obstacle(std::string why);
  bool healthy() const noexcept { return healthy_.load(std::memory_order_acquire); }

 private:
  std::atomic<bool> healthy_ = false;
  mutable std::mutex mutex_;
  std::string why_ = "not open";
};

/// The connections of the schedule: one for leases and late commits, which must not wait, and one for due sends.
inline constexpr int schedule_links = 2;

/// The connections of all lanes. A lane borrows its own connection. A lost connection is made anew by a thread here,
/// with back-off; meanwhile `is_up` is false and operations are refused at once. That thread also tries idle
/// connections each second, because a server that hangs or has gone says nothing.
///
/// Thread safety: all functions from any thread, but for `open`, which comes first, and `close`.
class Connections {
 public:
  /// The session of one lane while its thread uses it.
  class Loan {
   public:
    Loan(Connections& connections, std::size_t index);
    ~Loan();
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    /// nullptr while the connection is away.
    Session* session() const noexcept;

   private:
    friend class Connections;
    Connections& connections_;
    std::size_t index_;
    std::unique_lock<std::mutex> in_use_;
  };

  Connections(const ConnectionString& target, const PostgresOptions& options, Counters& counters,
              std::shared_ptr<Health> health);
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  /// Makes all connections and prepares the schema; tries until `by` while the server is away. Blocks.
  /// Errors: as `PostgresStorage::open`.
  void open(SteadyTime by);
  /// The same, but what the schema takes once the server is reached ends at `migrated_by`: it may be much work, or the
  /// turn of another process.
  void open(SteadyTime by, SteadyTime migrated_by) {
    migrated_by_ = migrated_by;
    open(by);
  }

  bool is_up(std::size_t index) const noexcept { return links_[index]->up.load(std::memory_order_acquire); }
  std::size_t size() const noexcept { return links_.size(); }
  /// Guards further connections, too.
  Watchdog& watchdog() noexcept { return watchdog_; }

  /// Statements in flight are cut at `by`, and nothing is connected any more.
  void limit(SteadyTime by);

  /// Ends the thread and closes all. Preconditions: nobody borrows any more.
  void close();

 private:
  struct Link {
    std::mutex in_use;
    std::unique_ptr<Session> session;  ///< guarded by `in_use`
    SteadyTime last_used{};            ///< likewise
    std::atomic<bool> up = false;
  };

  void open_once(SteadyTime by);
  void prepare_schema(Session& session, const PostgresOptions& options, SteadyTime by) const {
    pg::prepare_schema(session, options, std::max(by, migrated_by_));
  }
  void keep();
  /// Whether it is up again.
  bool connect(Link& link);
  bool connect_all();
  void try_idle(Link& link);
  /// `why` by value: it may be the words of the session that ends here.
  void lost(Link& link, std::string why);
  /// Waits, at most until `until`, for a loss or the end; false at the end.
  bool wait(SteadyTime until);

  const ConnectionString& target_;
  const PostgresOptions& options_;
  Counters& counters_;
  std::shared_ptr<Health> health_;
  Watchdog watchdog_;
  std::vector<std::unique_ptr<Link>> links_;

  SteadyTime migrated_by_ = SteadyTime::min();

  std::mutex mutex_;
  std::condition_variable changed_;
  bool lost_one_ = false;  ///< guarded by `mutex_`
  bool stopped_ = false;   ///< likewise
  std::thread thread_;
};

}  // namespace tern::detail::pg

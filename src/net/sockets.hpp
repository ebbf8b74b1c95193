#pragma once

#include <tern/async/clock.hpp>

#include <boost/intrusive/list.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace tern::net {

class Sockets;

/// The right to have one descriptor for a connection to a server. Its destructor gives the right back.
/// Lifetime: its `Sockets` outlives it.
class SocketPermit {
 public:
  SocketPermit() = default;
  SocketPermit(SocketPermit&& other) noexcept
      : sockets_(std::exchange(other.sockets_, nullptr)), stranger_(other.stranger_) {}
  SocketPermit& operator=(SocketPermit&& other) noexcept;
  ~SocketPermit() { end(); }

  explicit operator bool() const noexcept { return sockets_ != nullptr; }
  void end() noexcept;
  /// The host has answered, so the permit no longer counts among those of strangers. Call `Sockets::serve` afterwards.
  void becomes_known() noexcept;

 private:
  friend class Sockets;
  SocketPermit(Sockets& sockets, bool stranger) noexcept : sockets_(&sockets), stranger_(stranger) {}

  Sockets* sockets_ = nullptr;
  bool stranger_ = false;
};

/// Has a permit and does not use it now.
class IdleSocket : public boost::intrusive::list_base_hook<boost::intrusive::tag<IdleSocket>,
                                                           boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  using IdleHook = boost::intrusive::list_base_hook<boost::intrusive::tag<IdleSocket>,
                                                    boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

  /// The permit is used again.
  void unlink_idle() noexcept { IdleHook::unlink(); }
  /// Closes the connection and gives the permit back.
  virtual void close_idle() noexcept = 0;

 protected:
  ~IdleSocket() = default;
};

/// Waits for permits.
class SocketSeeker
    : public boost::intrusive::list_base_hook<boost::intrusive::tag<SocketSeeker>,
                                              boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  using Hook = boost::intrusive::list_base_hook<boost::intrusive::tag<SocketSeeker>,
                                                boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

  /// Offers a permit, which is moved from if it is used. Returns true to wait for one more.
  virtual bool on_socket(SocketPermit& permit) noexcept = 0;

 protected:
  ~SocketSeeker() = default;

 private:
  friend class Sockets;
  std::uint64_t number_ = 0;  // seekers are numbered in the order in which they came
  SteadyTime since_;
};

/// Bounds the connections of a client to all hosts together. Strangers, hosts that have never answered, get at most
/// three quarters of the permits: when all strangers hang, the other hosts still get connections.
///
/// A permit that is given back goes at once to the seeker that has waited for longest among those that may have one. So
/// no seeker waits while a permit is free that it may have.
class Sockets {
 public:
  /// `most`: at least one.
  Sockets(std::size_t most, Clock& clock) noexcept;
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;

  /// Takes a permit; closes an idle connection if no permit is free. Empty when there is none.
  SocketPermit try_take(bool stranger) noexcept;
  /// Puts the seeker at the end of the line.
  void seek(SocketSeeker& seeker, bool stranger) noexcept;
  /// The idle connection may be closed from now on; the connection that was added first is closed first.
  void add_idle(IdleSocket& idle) noexcept { idle_.push_back(idle); }

  /// A seeker waits that may have the next permit.
  bool wanted() const noexcept { return first(nullptr) != nullptr; }
  /// Another such seeker has waited for more than a second.
  bool wanted_for_long(const SocketSeeker& by_others_than) const noexcept;

  /// Gives the permits that are free or idle to the seekers that may have them.
  void serve() noexcept;
  /// Gives no permits from now on.
  void abort() noexcept { aborted_ = true; }

 private:
  friend class SocketPermit;
  using Line = boost::intrusive::list<SocketSeeker, boost::intrusive::base_hook<SocketSeeker::Hook>,
                                      boost::intrusive::constant_time_size<false>>;
  using Idle = boost::intrusive::list<IdleSocket, boost::intrusive::base_hook<IdleSocket::IdleHook>,
                                      boost::intrusive::constant_time_size<false>>;

  bool has_one_for_strangers() const noexcept { return by_strangers_ < for_strangers_; }
  const SocketSeeker* first(const SocketSeeker* except) const noexcept;
  SocketPermit take(bool stranger) noexcept;
  void give_back(bool stranger) noexcept;
  void give_free() noexcept;

  const std::size_t most_;
  const std::size_t for_strangers_;
  Clock& clock_;
  std::size_t used_ = 0;
  std::size_t by_strangers_ = 0;
  std::uint64_t numbers_ = 0;
  bool aborted_ = false;
  Line known_;
  Line strangers_;
  Idle idle_;
};

}  // namespace tern::net

#pragma once

#include <tern/async/clock.hpp>

#include <boost/intrusive/list.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace tern::connector {

class Sockets;

/// The right to one descriptor for a connection to a channel. Gives it back when it ends.
/// Lifetime: its `Sockets` outlives it.
class SocketPlace {
 public:
  SocketPlace() = default;
  SocketPlace(SocketPlace&& other) noexcept
      : sockets_(std::exchange(other.sockets_, nullptr)), stranger_(other.stranger_) {}
  SocketPlace& operator=(SocketPlace&& other) noexcept;
  ~SocketPlace() { end(); }

  explicit operator bool() const noexcept { return sockets_ != nullptr; }
  void end() noexcept;
  /// Its host has answered: it counts to those of strangers no more. `Sockets::serve` comes after it.
  void becomes_known() noexcept;

 private:
  friend class Sockets;
  SocketPlace(Sockets& sockets, bool stranger) noexcept : sockets_(&sockets), stranger_(stranger) {}

  Sockets* sockets_ = nullptr;
  bool stranger_ = false;
};

/// Has a place and does nothing with it.
class IdleSocket : public boost::intrusive::list_base_hook<boost::intrusive::tag<IdleSocket>,
                                                           boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  using IdleHook = boost::intrusive::list_base_hook<boost::intrusive::tag<IdleSocket>,
                                                    boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

  /// It is used again.
  void unlink_idle() noexcept { IdleHook::unlink(); }
  /// Ends it, and gives its place back.
  virtual void close_idle() noexcept = 0;

 protected:
  ~IdleSocket() = default;
};

/// Waits for places.
class SocketSeeker
    : public boost::intrusive::list_base_hook<boost::intrusive::tag<SocketSeeker>,
                                              boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  using Hook = boost::intrusive::list_base_hook<boost::intrusive::tag<SocketSeeker>,
                                                boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

  /// A place for it, which is empty afterwards when it was used. True: it wants one more.
  virtual bool on_socket(SocketPlace& place) noexcept = 0;

 protected:
  ~SocketSeeker() = default;

 private:
  friend class Sockets;
  std::uint64_t number_ = 0;  // in the order in which they came
  SteadyTime since_;
};

/// Bounds the connections of a client to all hosts together. A quarter of the places is not for strangers, hosts that
/// have never answered: they may all hang, and what goes to the others goes on.
///
/// A place that is given back goes at once to who has sought one for longest and may have one. So while one is free,
/// nobody waits who may have it.
class Sockets {
 public:
  /// `most`: at least one.
  Sockets(std::size_t most, Clock& clock) noexcept;
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;

  /// A place, for which an idle connection is closed where there is no other. Empty: there is none.
  SocketPlace try_take(bool stranger) noexcept;
  /// Puts it at the end of the line.
  void seek(SocketSeeker& seeker, bool stranger) noexcept;
  /// May be closed from now on, the one that was given here first.
  void add_idle(IdleSocket& idle) noexcept { idle_.push_back(idle); }

  /// Somebody waits who may have the next place.
  bool wanted() const noexcept { return first(nullptr) != nullptr; }
  /// Somebody else waits so for more than a second.
  bool wanted_for_long(const SocketSeeker& by_others_than) const noexcept;

  /// Gives the places that are free, or idle, to those who wait and may have one.
  void serve() noexcept;
  /// Nobody is given a place any more.
  void abort() noexcept { aborted_ = true; }

 private:
  friend class SocketPlace;
  using Line = boost::intrusive::list<SocketSeeker, boost::intrusive::base_hook<SocketSeeker::Hook>,
                                      boost::intrusive::constant_time_size<false>>;
  using Idle = boost::intrusive::list<IdleSocket, boost::intrusive::base_hook<IdleSocket::IdleHook>,
                                      boost::intrusive::constant_time_size<false>>;

  bool has_one_for_strangers() const noexcept { return by_strangers_ < for_strangers_; }
  const SocketSeeker* first(const SocketSeeker* except) const noexcept;
  SocketPlace take(bool stranger) noexcept;
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

}  // namespace tern::connector

#include "net/sockets.hpp"

#include <algorithm>
#include <chrono>

namespace tern::net {

SocketPermit& SocketPermit::operator=(SocketPermit&& other) noexcept {
  if (this != &other) {
    end();
    sockets_ = std::exchange(other.sockets_, nullptr);
    stranger_ = other.stranger_;
  }
  return *this;
}

void SocketPermit::end() noexcept {
  if (Sockets* sockets = std::exchange(sockets_, nullptr)) {
    sockets->give_back(stranger_);
  }
}

void SocketPermit::becomes_known() noexcept {
  if (sockets_ != nullptr && stranger_) {
    stranger_ = false;
    --sockets_->by_strangers_;
  }
}

Sockets::Sockets(std::size_t most, Clock& clock) noexcept
    : most_(std::max<std::size_t>(most, 1)),
      for_strangers_(most_ > 1 ? most_ - std::max<std::size_t>(most_ / 4, 1) : 1),
      clock_(clock) {}

SocketPermit Sockets::try_take(bool stranger) noexcept {
  if (stranger && !has_one_for_strangers()) {
    return {};
  }
  if (used_ >= most_ && !idle_.empty()) {
    idle_.front().close_idle();
  }
  return used_ < most_ ? take(stranger) : SocketPermit();
}

SocketPermit Sockets::take(bool stranger) noexcept {
  ++used_;
  by_strangers_ += stranger ? 1 : 0;
  return SocketPermit(*this, stranger);
}

void Sockets::seek(SocketSeeker& seeker, bool stranger) noexcept {
  seeker.SocketSeeker::Hook::unlink();
  seeker.number_ = ++numbers_;
  seeker.since_ = clock_.now();
  (stranger ? strangers_ : known_).push_back(seeker);
}

const SocketSeeker* Sockets::first(const SocketSeeker* except) const noexcept {
  const auto first_of = [except](const Line& line) -> const SocketSeeker* {
    auto at = line.begin();
    if (at != line.end() && &*at == except) {
      ++at;
    }
    return at == line.end() ? nullptr : &*at;
  };
  const SocketSeeker* known = first_of(known_);
  const SocketSeeker* stranger = has_one_for_strangers() ? first_of(strangers_) : nullptr;
  if (known == nullptr || stranger == nullptr) {
    return known == nullptr ? stranger : known;
  }
  return known->number_ < stranger->number_ ? known : stranger;
}

bool Sockets::wanted_for_long(const SocketSeeker& by_others_than) const noexcept {
  const SocketSeeker* waits = first(&by_others_than);
  return waits != nullptr && clock_.now() - waits->since_ > std::chrono::seconds(1);
}

void Sockets::give_back(bool stranger) noexcept {
  --used_;
  by_strangers_ -= stranger ? 1 : 0;
  give_free();
}

void Sockets::serve() noexcept {
  give_free();
  while (!aborted_ && wanted() && !idle_.empty()) {
    idle_.front().close_idle();
  }
}

void Sockets::give_free() noexcept {
  while (!aborted_ && used_ < most_) {
    const SocketSeeker* next = first(nullptr);
    if (next == nullptr) {
      return;
    }
    const bool stranger = known_.empty() || next != &known_.front();
    SocketSeeker& seeker = (stranger ? strangers_ : known_).front();
    seeker.SocketSeeker::Hook::unlink();
    SocketPermit permit = take(stranger);
    const bool more = seeker.on_socket(permit);
    if (more) {
      seek(seeker, stranger);
    }
    if (permit) {  // the seeker did not use it; it is given back here, because its destructor would call this again
      permit.sockets_ = nullptr;
      --used_;
      by_strangers_ -= stranger ? 1 : 0;
    }
  }
}

}  // namespace tern::net

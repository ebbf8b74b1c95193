#include "direct_line/file_shares.hpp"

#include <algorithm>
#include <utility>

namespace tern::direct_line {

void FileShares::Counted::add(const FileOwner& owner, std::size_t bytes) {
  all += bytes;
  if (!owner.conversation.empty()) {
    of_conversation[owner.conversation] += bytes;
  }
  if (!owner.client.empty()) {
    of_client[owner.client] += bytes;
  }
}

void FileShares::Counted::add(const Counted& other) {
  all += other.all;
  for (const auto& [owner, bytes] : other.of_conversation) {
    of_conversation[owner] += bytes;
  }
  for (const auto& [owner, bytes] : other.of_client) {
    of_client[owner] += bytes;
  }
}

void FileShares::Counted::subtract(const FileOwner& owner, std::size_t bytes) noexcept {
  const auto take_off = [bytes](Shares& shares, const std::string& of) {
    const auto found = shares.find(of);
    if (found != shares.end()) {
      found->second -= std::min(found->second, bytes);
    }
  };
  all -= std::min(all, bytes);
  take_off(of_conversation, owner.conversation);
  take_off(of_client, owner.client);
}

std::uint64_t FileShares::counts_begun() const {
  const std::lock_guard lock(mutex_);
  return begun_;
}

// A sweep that began later has not found the files, so what it has counted is without them.
void FileShares::give_back(const FileOwner& owner, std::size_t bytes, std::uint64_t counts_begun) noexcept {
  const std::lock_guard lock(mutex_);
  if (ended_ <= counts_begun) {
    now_.subtract(owner, bytes);
  }
  if (begun_ == counts_begun) {
    since_.subtract(owner, bytes);
  }
}

std::optional<FileShares::Full> FileShares::take(const FileOwner& owner, std::size_t bytes) {
  const auto has_room = [bytes](const Shares& shares, const std::string& of, std::size_t bound) {
    const auto found = shares.find(of);
    return of.empty() || (found == shares.end() ? 0 : found->second) + bytes <= bound;
  };
  const std::lock_guard lock(mutex_);
  if (!has_room(now_.of_conversation, owner.conversation, bounds_.of_conversation)) {
    return Full::of_conversation;
  }
  if (!has_room(now_.of_client, owner.client, bounds_.of_client)) {
    return Full::of_client;
  }
  if (now_.all + bytes > bounds_.all) {
    return Full::all;
  }
  now_.add(owner, bytes);
  since_.add(owner, bytes);
  return std::nullopt;
}

void FileShares::begin_count() {
  counting_ = {};
  const std::lock_guard lock(mutex_);
  since_ = {};
  ++begun_;
}

void FileShares::count(const FileOwner& owner, std::size_t bytes) {
  counting_.add(owner, bytes);
}

void FileShares::end_count() {
  auto counted = std::exchange(counting_, {});
  const std::lock_guard lock(mutex_);
  counted.add(since_);
  std::swap(now_, counted);
  ended_ = begun_;
}

std::size_t FileShares::bytes() const {
  const std::lock_guard lock(mutex_);
  return now_.all;
}

}  // namespace tern::direct_line

#pragma once

#include "async/keyed_hash.hpp"

#include <tern/async/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace tern::direct_line {

/// Whose file it is.
struct FileOwner {
  std::string conversation;  ///< its id; "" when nobody knows
  std::string client;        ///< stands for the address of the client (`Access::stand_in_for`); "" for none
};

/// The bytes that files may have.
struct FileBounds {
  std::size_t all = 0;              ///< of all files
  std::size_t of_conversation = 0;  ///< of the clients of one conversation
  std::size_t of_client = 0;        ///< of one client address
};

/// The bytes of the files that are kept, in all and of each owner. A sweep of the store counts them anew.
///
/// Thread safety: all functions from any thread; `begin_count`, `count` and `end_count` by one sweep at a time.
class FileShares {
 public:
  /// A bound that is reached.
  enum class Full : std::uint8_t { all, of_conversation, of_client };

  explicit FileShares(const FileBounds& bounds) : bounds_(bounds) {}

  /// Counts files that are about to be kept. nullopt when there is room for them; otherwise nothing was counted.
  std::optional<Full> take(const FileOwner& owner, std::size_t bytes);

  /// How many sweeps have begun. Asked before `take`, so that what is taken can be given back.
  std::uint64_t counts_begun() const;
  /// Files that were counted are not kept after all. `counts_begun`: what that was before they were taken.
  void give_back(const FileOwner& owner, std::size_t bytes, std::uint64_t counts_begun) noexcept;

  /// A sweep begins.
  void begin_count();
  /// It has found a file that was there when it began.
  void count(const FileOwner& owner, std::size_t bytes);
  /// It has seen all files: what it has found counts from now on, and what was taken since it began, which it may have
  /// missed.
  void end_count();

  /// The bytes of all files.
  std::size_t bytes() const;

 private:
  struct Equal {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const noexcept { return a == b; }
  };
  using Shares = std::unordered_map<std::string, std::size_t, tern::detail::KeyedHash, Equal>;
  struct Counted {
    std::size_t all = 0;
    Shares of_conversation;
    Shares of_client;
    void add(const FileOwner& owner, std::size_t bytes);
    void add(const Counted& other);
    void subtract(const FileOwner& owner, std::size_t bytes) noexcept;
  };

  const FileBounds bounds_;
  mutable std::mutex mutex_;  // guards all but `counting_`
  Counted now_;
  Counted since_;            // taken since the sweep under way began
  Counted counting_;         // by the sweep under way
  std::uint64_t begun_ = 0;  // sweeps
  std::uint64_t ended_ = 0;  // the number of the last one that has ended
};

/// Room that was taken for files. What no file uses goes back in the end.
///
/// Lifetime: the shares outlive it.
class FileRoom {
 public:
  /// `bytes` were taken of `shares` at `taken`; `counts_begun` was asked before.
  FileRoom(FileShares& shares, FileOwner owner, std::size_t bytes, std::uint64_t counts_begun, WallTime taken)
      : shares_(shares), owner_(std::move(owner)), unused_(bytes), counts_begun_(counts_begun), taken_(taken) {}
  ~FileRoom() {
    if (unused_ > 0) {
      shares_.give_back(owner_, unused_, counts_begun_);
    }
  }
  FileRoom(FileRoom&& other) noexcept
      : shares_(other.shares_),
        owner_(std::move(other.owner_)),
        unused_(std::exchange(other.unused_, 0)),
        counts_begun_(other.counts_begun_),
        taken_(other.taken_) {}
  FileRoom& operator=(FileRoom&&) = delete;

  /// A file is kept, or may be.
  void use(std::size_t bytes) noexcept { unused_ -= bytes; }
  /// It is not after all.
  void return_unused(std::size_t bytes) noexcept { unused_ += bytes; }

  const FileOwner& owner() const noexcept { return owner_; }
  WallTime taken() const noexcept { return taken_; }

 private:
  FileShares& shares_;
  FileOwner owner_;
  std::size_t unused_;
  std::uint64_t counts_begun_;
  WallTime taken_;
};

}  // namespace tern::direct_line

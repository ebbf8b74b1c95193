#pragma once

#include "async/keyed_hash.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

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

  /// A sweep begins.
  void begin_count();
  /// It has found a file.
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
  };

  const FileBounds bounds_;
  mutable std::mutex mutex_;  // guards all but `counting_`
  Counted now_;
  Counted since_;     // taken since the sweep under way began
  Counted counting_;  // by the sweep under way
};

}  // namespace tern::direct_line

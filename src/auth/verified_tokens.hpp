#pragma once

#include "auth/token_rules.hpp"

#include <tern/async/clock.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace tern::auth {

/// What a token is known by: the SHA-256 of its whole text. Two tokens with the same claims are two tokens.
using TokenDigest = std::array<std::uint8_t, 32>;

/// The digest of a token.
TokenDigest digest_of(std::string_view token);

/// The tokens whose signatures were verified, until they expire, their keys are withdrawn, or newer tokens need their
/// places. Only what was verified is kept, so a stranger cannot fill it.
///
/// All threads share one table, by digest. In front of it each thread has a small table of its own, by the text of the
/// token: a comparison of bytes costs a tenth of a digest. No other thread uses it, and its identities have reference
/// counts of their own. So a token that all shards see costs a shard no cache line that another shard writes.
///
/// Thread safety: all functions from any thread.
class VerifiedTokens {
 public:
  /// How many tokens a thread keeps.
  static constexpr std::size_t own_capacity = 64;

  /// `capacity`: of the shared table, 1 or more.
  explicit VerifiedTokens(std::size_t capacity);
  ~VerifiedTokens();
  VerifiedTokens(const VerifiedTokens&) = delete;
  VerifiedTokens& operator=(const VerifiedTokens&) = delete;

  /// The token with this text, if this thread keeps it and it is valid at `now`; else nullptr. It never waits.
  std::shared_ptr<const Verified> find_own(std::string_view text, WallTime now);
  /// The token, if it is in the shared table and valid at `now`; else nullptr.
  std::shared_ptr<const Verified> find(const TokenDigest& digest, WallTime now);
  /// Keeps a copy of a token for this thread, under its text, and returns the copy.
  std::shared_ptr<const Verified> keep_own(std::string_view text, const Verified& token);
  /// Keeps a token, in the shared table.
  void insert(const TokenDigest& digest, std::shared_ptr<const Verified> token);
  /// How many tokens the shared table has.
  std::size_t size() const;

 private:
  class Table;
  class OwnTable;
  OwnTable& own_table();

  std::unique_ptr<Table> shared_;
  std::vector<std::unique_ptr<OwnTable>> own_;
};

}  // namespace tern::auth

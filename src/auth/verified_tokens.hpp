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
/// All threads share one table. In front of it each thread has a small table of its own, whose mutex no other thread
/// asks for, and whose identities have reference counts of their own. So a token that all shards see costs a shard no
/// cache line that another shard writes.
///
/// Thread safety: all functions from any thread.
class VerifiedTokens {
 public:
  /// `capacity`: of the shared table, 1 or more. A thread keeps up to 64 tokens.
  explicit VerifiedTokens(std::size_t capacity);
  ~VerifiedTokens();
  VerifiedTokens(const VerifiedTokens&) = delete;
  VerifiedTokens& operator=(const VerifiedTokens&) = delete;

  /// The token, if it is known and valid at `now`; else nullptr.
  std::shared_ptr<const Verified> find(const TokenDigest& digest, WallTime now);
  /// Keeps a token, in the shared table.
  void insert(const TokenDigest& digest, std::shared_ptr<const Verified> token);
  /// How many tokens the shared table has.
  std::size_t size() const;

 private:
  class Table;
  Table& own_table();

  std::unique_ptr<Table> shared_;
  std::vector<std::unique_ptr<Table>> own_;
};

}  // namespace tern::auth

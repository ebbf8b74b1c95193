#include "auth/verified_tokens.hpp"

#include "storage/sha256.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace tern::auth {

namespace {

constexpr std::size_t own_tables = 64;
constexpr std::size_t own_capacity = 64;

/// The bytes of a digest are as random as a hash can be. A stranger who looks for digests with the same first bytes
/// would have to have them signed.
struct DigestHash {
  std::size_t operator()(const TokenDigest& digest) const noexcept {
    std::size_t hash = 0;
    std::memcpy(&hash, digest.data(), sizeof hash);
    return hash;
  }
};

/// The number of this thread, from 0 on. With more threads than tables, two of them share a table.
std::size_t number_of_thread() noexcept {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t number = next.fetch_add(1, std::memory_order_relaxed);
  return number;
}

bool is_valid(const Verified& token, WallTime now) noexcept {
  return now >= token.not_before && now < token.expires && !token.key->withdrawn();
}

/// A copy whose reference counts nobody else has.
std::shared_ptr<const Verified> copy_of(const Verified& token) {
  auto copy = std::make_shared<Verified>(token);
  copy->identity = std::make_shared<const Identity>(*token.identity);
  return copy;
}

}  // namespace

TokenDigest digest_of(std::string_view token) {
  return tern::detail::sha256(token);
}

// Tokens by digest. The one that was used longest ago makes room.
class VerifiedTokens::Table {
 public:
  explicit Table(std::size_t capacity) : capacity_(std::max<std::size_t>(capacity, 1)) {}

  std::shared_ptr<const Verified> find(const TokenDigest& digest, WallTime now) {
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(digest);
    if (found == places_.end()) {
      return nullptr;
    }
    if (!is_valid(*found->second->token, now)) {
      tokens_.erase(found->second);
      places_.erase(found);
      return nullptr;
    }
    tokens_.splice(tokens_.begin(), tokens_, found->second);
    return found->second->token;
  }

  void insert(const TokenDigest& digest, std::shared_ptr<const Verified> token) {
    const std::lock_guard lock(mutex_);
    if (places_.contains(digest)) {
      return;
    }
    if (tokens_.size() >= capacity_) {
      places_.erase(tokens_.back().digest);
      tokens_.pop_back();
    }
    tokens_.push_front({digest, std::move(token)});
    places_.emplace(digest, tokens_.begin());
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return tokens_.size();
  }

 private:
  struct Entry {
    TokenDigest digest;
    std::shared_ptr<const Verified> token;
  };

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::list<Entry> tokens_;  // the one that was used last is the first
  std::unordered_map<TokenDigest, std::list<Entry>::iterator, DigestHash> places_;
};

VerifiedTokens::VerifiedTokens(std::size_t capacity) : shared_(std::make_unique<Table>(capacity)) {
  own_.reserve(own_tables);
  for (std::size_t i = 0; i < own_tables; ++i) {
    own_.push_back(std::make_unique<Table>(std::min(own_capacity, capacity)));
  }
}

VerifiedTokens::~VerifiedTokens() = default;

VerifiedTokens::Table& VerifiedTokens::own_table() {
  return *own_[number_of_thread() % own_.size()];
}

std::shared_ptr<const Verified> VerifiedTokens::find(const TokenDigest& digest, WallTime now) {
  Table& own = own_table();
  if (auto found = own.find(digest, now)) {
    return found;
  }
  const auto shared = shared_->find(digest, now);
  if (!shared) {
    return nullptr;
  }
  auto copy = copy_of(*shared);
  own.insert(digest, copy);
  return copy;
}

void VerifiedTokens::insert(const TokenDigest& digest, std::shared_ptr<const Verified> token) {
  shared_->insert(digest, std::move(token));
}

std::size_t VerifiedTokens::size() const {
  return shared_->size();
}

}  // namespace tern::auth

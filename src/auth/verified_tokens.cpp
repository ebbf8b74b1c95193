#include "auth/verified_tokens.hpp"

#include "storage/sha256.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace tern::auth {

namespace {

constexpr std::size_t own_tables = 64;

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

// Tokens by text. There are few, so that looking at the ends of all costs less than a tree or a list would.
//
// Threads share a table when there are more threads than tables. Then one of them uses it, and the others do without.
class VerifiedTokens::OwnTable {
 public:
  std::shared_ptr<const Verified> find(std::string_view text, WallTime now) {
    const Use use(in_use_);
    const std::size_t at = use ? place_of(end_of(text), text) : nowhere;
    if (at == nowhere) {
      return nullptr;
    }
    Entry& entry = entries_[at];
    if (!is_valid(*entry.token, now)) {
      forget(at);
      return nullptr;
    }
    entry.used = ++uses_;
    return entry.token;
  }

  void insert(std::string_view text, std::shared_ptr<const Verified> token) {
    const Use use(in_use_);
    if (!use) {
      return;
    }
    const auto end = end_of(text);
    std::size_t at = place_of(end, text);
    if (at == nowhere && entries_.size() == own_capacity) {
      const auto oldest = std::min_element(entries_.begin(), entries_.end(),
                                           [](const Entry& a, const Entry& b) { return a.used < b.used; });
      at = static_cast<std::size_t>(oldest - entries_.begin());
    }
    Entry entry{std::string(text), std::move(token), ++uses_};
    if (at != nowhere) {
      entries_[at] = std::move(entry);
      ends_[at] = end;
      return;
    }
    ends_.reserve(own_capacity);
    entries_.reserve(own_capacity);
    ends_.push_back(end);
    entries_.push_back(std::move(entry));
  }

 private:
  static constexpr std::size_t nowhere = own_capacity;

  void forget(std::size_t at) noexcept {
    entries_[at] = std::move(entries_.back());
    ends_[at] = ends_.back();
    entries_.pop_back();
    ends_.pop_back();
  }

  struct Entry {
    std::string text;
    std::shared_ptr<const Verified> token;
    std::uint64_t used = 0;
  };

  /// The right to use the table; false when another thread has it. Nobody waits for it.
  class Use {
   public:
    explicit Use(std::atomic<bool>& flag) noexcept
        : flag_(flag), mine_(!flag.exchange(true, std::memory_order_acquire)) {}
    ~Use() {
      if (mine_) {
        flag_.store(false, std::memory_order_release);
      }
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    explicit operator bool() const noexcept { return mine_; }

   private:
    std::atomic<bool>& flag_;
    const bool mine_;
  };

  /// The last bytes of a token are of its signature. Whoever does not know the token cannot guess so many of them, so
  /// the time of the comparison that follows tells nobody anything.
  using End = std::array<std::uint64_t, 2>;
  static End end_of(std::string_view text) noexcept {
    End end{};
    const auto size = std::min(text.size(), sizeof end);
    std::memcpy(end.data(), text.data() + text.size() - size, size);
    return end;
  }
  std::size_t place_of(const End& end, std::string_view text) const noexcept {
    for (std::size_t at = 0; at < ends_.size(); ++at) {
      if (ends_[at] == end && entries_[at].text == text) {
        return at;
      }
    }
    return nowhere;
  }

  std::atomic<bool> in_use_{false};
  std::vector<End> ends_;  // of the entries, in their order
  std::vector<Entry> entries_;
  std::uint64_t uses_ = 0;
};

VerifiedTokens::VerifiedTokens(std::size_t capacity) : shared_(std::make_unique<Table>(capacity)) {
  own_.reserve(own_tables);
  for (std::size_t i = 0; i < own_tables; ++i) {
    own_.push_back(std::make_unique<OwnTable>());
  }
}

VerifiedTokens::~VerifiedTokens() = default;

VerifiedTokens::OwnTable& VerifiedTokens::own_table() {
  return *own_[number_of_thread() % own_.size()];
}

std::shared_ptr<const Verified> VerifiedTokens::find_own(std::string_view text, WallTime now) {
  return own_table().find(text, now);
}

std::shared_ptr<const Verified> VerifiedTokens::find(const TokenDigest& digest, WallTime now) {
  return shared_->find(digest, now);
}

std::shared_ptr<const Verified> VerifiedTokens::keep_own(std::string_view text, const Verified& token) {
  auto copy = copy_of(token);
  own_table().insert(text, copy);
  return copy;
}

void VerifiedTokens::insert(const TokenDigest& digest, std::shared_ptr<const Verified> token) {
  shared_->insert(digest, std::move(token));
}

std::size_t VerifiedTokens::size() const {
  return shared_->size();
}

}  // namespace tern::auth

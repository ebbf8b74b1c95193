#pragma once

#include <tern/async/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>

namespace tern::runtime {

/// An answer that is remembered: this, then the key's text, then the body.
struct KeptAnswer {
  std::uint64_t hash;          ///< of the key
  std::uint64_t conversation;  ///< by the hash of its key
  SteadyTime until;
  std::uint32_t key_bytes;
  std::uint32_t body_bytes;
  std::uint16_t status;

  std::string_view key() const noexcept { return {reinterpret_cast<const char*>(this + 1), key_bytes}; }
  std::string_view body() const noexcept { return {reinterpret_cast<const char*>(this + 1) + key_bytes, body_bytes}; }
};

/// Answers, the oldest first, written one after the other into blocks that are used again. With an allocation for each,
/// what is remembered was the one thing that grew under load, and growing a thread's heap costs a system call for every
/// 4 KiB. A block is given up once its last answer is forgotten, so each block in use holds the answer that is
/// forgotten next in it. An answer that does not fit into the rest of a block begins the next one: the blocks take up
/// to twice what is remembered.
///
/// Thread safety: none.
class AnswerRing {
 public:
  /// `block`: the most bytes of a block of several answers.
  explicit AnswerRing(std::size_t block) noexcept : block_bytes_(block) {}

  /// What an answer takes.
  static std::size_t bytes_of(std::size_t key_bytes, std::size_t body_bytes) noexcept;
  static std::size_t bytes_of(const KeptAnswer& answer) noexcept {
    return bytes_of(answer.key_bytes, answer.body_bytes);
  }

  /// `head` says how long the two are; whoever calls writes the key to `key_of` the answer.
  KeptAnswer& add(const KeptAnswer& head, std::string_view body);
  static char* key_of(KeptAnswer& answer) noexcept { return reinterpret_cast<char*>(&answer + 1); }
  /// nullptr when there is none.
  KeptAnswer* oldest() noexcept;
  /// Preconditions: there is one.
  void forget_oldest();

 private:
  struct Block {
    explicit Block(std::size_t bytes);
    std::unique_ptr<std::byte[]> memory;
    std::size_t size;
    std::size_t used = 0;
    std::size_t read = 0;  // where its oldest answer stands; less than `used`
  };

  std::byte* reserve(std::size_t bytes);
  void leave_block();

  std::size_t block_bytes_;
  std::deque<Block> blocks_;    // none is empty
  std::optional<Block> spare_;  // emptied last, for the next one
};

}  // namespace tern::runtime

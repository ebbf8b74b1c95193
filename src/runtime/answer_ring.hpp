#pragma once

#include <tern/async/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>

namespace tern::runtime {

/// An answer that is remembered. In memory, the text of its key and then the body of the answer follow this struct. The
/// text leaves out its first bytes when the first key of the block begins with them too: the keys of a bot have much in
/// common.
struct KeptAnswer {
  static constexpr int greatest_status = (1 << 12) - 1;

  std::uint64_t hash;          ///< of the key
  std::uint64_t conversation;  ///< the hash of the conversation's key
  SteadyTime until;
  std::uint32_t key_bytes;  ///< of the whole key
  std::uint32_t body_bytes;
  std::uint16_t outcome : 4;  ///< a `TurnOutcome`
  std::uint16_t invoke_status : 12;
  std::uint16_t shared = 0;  ///< how many bytes of the key are left out, because the block's first key has them too
  std::uint32_t offset = 0;  ///< from the beginning of the block, in bytes; 0 for the first answer

  bool has_key(std::string_view key) const noexcept {
    return key.size() == key_bytes && key.substr(0, shared) == std::string_view(first_key(), shared) &&
           key.substr(shared) == std::string_view(text(), key_bytes - shared);
  }
  std::string_view body() const noexcept { return {text() + (key_bytes - shared), body_bytes}; }
  const char* first_key() const noexcept { return text() - offset; }

 private:
  const char* text() const noexcept { return reinterpret_cast<const char*>(this + 1); }
};

/// A queue of answers, the oldest first. The answers are written one after the other into blocks, and blocks are used
/// again: an allocation for each answer made the heap of the thread grow under load, which costs a system call for
/// every 4 KiB. A block is dropped when its last answer is forgotten. An answer that does not fit into the rest of a
/// block begins a new one, so the blocks take up to twice the bytes of the answers.
///
/// Thread safety: none.
class AnswerRing {
 public:
  /// `block`: the most bytes of a block of several answers.
  explicit AnswerRing(std::size_t block) noexcept : block_bytes_(block) {}

  /// The most bytes that an answer takes.
  static std::size_t bytes_of(const KeptAnswer& answer) noexcept {
    return bytes_of(answer.key_bytes, answer.body_bytes);
  }

  /// `head` has the lengths of the key and the body.
  KeptAnswer& add(KeptAnswer head, std::string_view key, std::string_view body);
  /// nullptr when there is no answer.
  KeptAnswer* oldest() noexcept;
  /// Preconditions: there is an answer.
  void forget_oldest();

 private:
  struct Block {
    explicit Block(std::size_t bytes);
    std::unique_ptr<std::byte[]> memory;
    std::size_t size;
    std::size_t used = 0;
    std::size_t read = 0;  // where its oldest answer begins; less than `used`
  };

  static std::size_t bytes_of(std::size_t text_bytes, std::size_t body_bytes) noexcept;
  /// A block that has so many bytes free behind its answers.
  Block& block_for(std::size_t bytes);
  void drop_oldest_block();

  std::size_t block_bytes_;
  std::deque<Block> blocks_;    // none is empty
  std::optional<Block> spare_;  // an empty block that is used next
};

}  // namespace tern::runtime

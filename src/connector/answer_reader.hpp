#pragma once

#include "connector/answer.hpp"

#include <tern/error.hpp>

#include <cstddef>
#include <memory>
#include <span>

namespace tern::connector {

/// Puts one answer together from the bytes of a connection, without a socket: its owner reads into `prepare` and tells
/// how much with `take`.
///
/// Whatever the channel sends, what is read and kept of an answer is bounded: a head or a chunk line by
/// `head_limit`, the body by the limit of the constructor, and all that is no body (heads of 1xx answers, chunk lines,
/// trailers) by `overhead_limit` and `overhead_per_byte` for each byte of the body.
class AnswerReader {
 public:
  static constexpr std::size_t head_limit = 16 * 1024;
  static constexpr std::size_t overhead_limit = 64 * 1024;
  static constexpr std::size_t overhead_per_byte = 16;  // a chunk of one byte takes five more, and some write it longer

  enum class Step {
    more,   ///< read more, then `take`, or `finish` at the end of the connection
    done,   ///< the answer is whole
    broken  ///< it is no answer, or none that is taken; `error` and `why` tell
  };

  /// Lifetime: `answer` outlives the reader.
  AnswerReader(Answer& answer, std::size_t body_limit);
  ~AnswerReader();
  AnswerReader(const AnswerReader&) = delete;
  AnswerReader& operator=(const AnswerReader&) = delete;

  /// Forgets the answer before, and what was read after it.
  void begin();
  /// Room for input, never empty. Valid until the next call.
  std::span<char> prepare();
  /// Takes `bytes` that were read into `prepare`.
  Step take(std::size_t bytes);
  /// Nothing more can be read. That the peer has closed (`eof`) is the end of an answer without a length, and a fault
  /// within any other.
  Step finish(error_code read);
  /// Gives back what one large answer took.
  void trim();

  /// Of a broken answer; no error otherwise.
  const error_code& error() const noexcept { return error_; }
  /// Which bound an answer has reached; nullptr when `error` tells it.
  const char* why() const noexcept { return why_; }

 private:
  class Parser;
  struct Buffer;

  Step feed();
  Step parsed();
  Step broken(error_code error, const char* why = nullptr) noexcept;
  Step too_much(const char* why) noexcept;
  void restart();

  Answer& answer_;
  std::size_t body_limit_;
  std::unique_ptr<Parser> parser_;
  std::unique_ptr<Buffer> buffer_;
  std::size_t taken_ = 0;       // bytes since `begin`
  bool in_chunk_line_ = false;  // more of it is to come, or of the trailers
  error_code error_;
  const char* why_ = nullptr;
};

}  // namespace tern::connector

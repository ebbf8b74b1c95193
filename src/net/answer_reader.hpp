#pragma once

#include "net/answer.hpp"

#include <tern/error.hpp>

#include <cstddef>
#include <memory>
#include <span>

namespace tern::net {

/// Parses one answer from the bytes of a connection. It has no socket: its owner reads into the memory of `prepare`,
/// and calls `take`.
///
/// The memory for an answer is bounded, whatever the server sends: a head or a chunk line by `head_limit`, the body by
/// the limit of the constructor, and everything else (heads of 1xx answers, chunk lines, trailers) by `overhead_limit`
/// plus `overhead_per_byte` for each byte of the body.
class AnswerReader {
 public:
  static constexpr std::size_t head_limit = 16 * 1024;
  static constexpr std::size_t overhead_limit = 64 * 1024;
  static constexpr std::size_t overhead_per_byte = 16;  // a chunk of one byte has at least five bytes of overhead

  enum class Step {
    more,   ///< read more, then call `take`, or `finish` at the end of the connection
    done,   ///< the answer is complete
    broken  ///< the answer is malformed or too large; see `error` and `why`
  };

  /// `keep_headers`: fills `Answer::headers`.
  /// Lifetime: `answer` outlives the reader.
  AnswerReader(Answer& answer, std::size_t body_limit, bool keep_headers = false);
  ~AnswerReader();
  AnswerReader(const AnswerReader&) = delete;
  AnswerReader& operator=(const AnswerReader&) = delete;

  /// Forgets the last answer, and the bytes behind it. `bodiless`: the next answer has no body, whatever its head says,
  /// because the request was HEAD or CONNECT.
  void begin(bool bodiless = false);
  /// Memory for input, never empty. Valid until the next call.
  std::span<char> prepare();
  /// Parses `bytes` bytes that were read into the memory of `prepare`.
  Step take(std::size_t bytes);
  /// Reading has failed with `read`. `eof`, the end of the connection, completes an answer without a length; any other
  /// answer is broken.
  Step finish(error_code read);
  /// Frees the memory of a large answer.
  void trim();

  /// The error of a broken answer; no error otherwise.
  const error_code& error() const noexcept { return error_; }
  /// True when what came is no answer, or exceeds a limit; false when the connection ended too early.
  bool malformed() const noexcept { return malformed_; }
  /// True when bytes have come since `begin`.
  bool begun() const noexcept { return taken_ > 0; }
  /// True when bytes have come behind the answer. Valid until `trim`.
  bool has_surplus() const noexcept;
  /// The limit that the answer exceeds, as a text; nullptr when `error` says what is wrong.
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
  bool keep_headers_;
  bool bodiless_ = false;
  std::unique_ptr<Parser> parser_;
  std::unique_ptr<Buffer> buffer_;
  std::size_t taken_ = 0;       // bytes since `begin`
  bool in_chunk_line_ = false;  // the line of a chunk, or the trailers, are not complete
  bool malformed_ = false;
  error_code error_;
  const char* why_ = nullptr;
};

}  // namespace tern::net

#pragma once

#include "http/chunk_bound.hpp"
#include "http/host.hpp"
#include "http/large_bodies.hpp"
#include "http/rejection.hpp"
#include "http/request.hpp"

#include <tern/error.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace tern::http {

/// Parses the bytes of a connection into requests, one after the other. It has no socket: its owner reads into the
/// memory of `prepare`, calls `commit`, and does what `parse` returns.
class RequestReader {
 public:
  /// Both in bytes, as in `ServerLimits`. `header` bounds the head, and again the extensions and trailers of a chunked
  /// body together.
  struct Limits {
    std::size_t header;
    std::size_t body;
    /// Exceptions from `body`, or nullptr. Lifetime: they outlive the reader.
    const LargeBodies* large = nullptr;
  };

  enum class Step {
    need_input,     ///< read more, then call `parse` again
    send_continue,  ///< the client waits for 100 Continue: send it, then call `parse` again
    complete,       ///< `request` is complete: answer it, then call `next`
    refused         ///< answer with `rejection`, then close the connection
  };

  /// `hosts`: the hosts that are served; nullptr serves every host. Lifetime: `hosts` outlives the reader.
  explicit RequestReader(Limits limits, ServedHosts* hosts = nullptr);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  /// Memory for input, never empty. Valid until the next call.
  std::span<char> prepare();
  void commit(std::size_t bytes) noexcept { end_ += bytes; }
  /// Bytes that were committed and are not parsed yet.
  std::size_t unparsed() const noexcept { return end_ - begin_; }
  std::string_view unparsed_text() const noexcept { return {buffer_.get() + begin_, unparsed()}; }

  Step parse();

  Request& request() noexcept { return request_; }
  Rejection rejection() const noexcept { return rejection_; }

  /// True from the first byte of a request until `next`.
  bool started() const noexcept { return started_; }
  bool header_done() const noexcept;
  /// Whether the client wants to keep the connection, once the header is done.
  bool keep_alive() const noexcept;
  bool http10() const noexcept;

  /// Forgets the request, and keeps the input behind it. Frees buffers that a large request needed.
  void next();
  /// Drops the input that is not parsed, and frees its memory. The request stays as it is.
  void drop_input() noexcept;
  /// Frees all memory that an idle connection does not need.
  void release() noexcept;

 private:
  class Parser;

  bool skip_empty_lines() noexcept;
  Step parse_some();
  void take_plain_lines();
  Step wait_for(std::string_view lines) noexcept;
  Step after_head();
  bool bound_body();
  Step refuse(Rejection why) noexcept;
  Rejection rejection_of(error_code error) const noexcept;
  bool lower_version() noexcept;
  bool within_bounds(std::size_t used, bool in_head, bool more_to_come) noexcept;
  void make_room(std::size_t room);

  Limits limits_;
  ServedHosts* hosts_;
  Request request_;
  std::unique_ptr<Parser> parser_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t header_bytes_ = 0;
  ChunkBound chunk_bytes_;
  Rejection rejection_ = Rejection::malformed;
  bool started_ = false;
  bool in_chunk_line_ = false;  // the line of a chunk, or the trailers, are not complete
};

}  // namespace tern::http

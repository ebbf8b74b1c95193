#pragma once

#include "http/rejection.hpp"
#include "http/request.hpp"

#include <cstddef>
#include <memory>
#include <span>

namespace tern::http {

/// Turns the bytes of a connection into requests, one after the other. Knows no socket: its owner reads into
/// `prepare`, tells how much with `commit`, and does what `parse` says.
class RequestReader {
 public:
  /// Bytes, as in `ServerLimits`.
  struct Limits {
    std::size_t header;
    std::size_t body;
  };

  enum class Step {
    need_input,     ///< read more, then `parse` again
    send_continue,  ///< the client waits for 100 Continue; send it, then `parse` again
    complete,       ///< `request` is whole; `next` when it has been answered
    refused         ///< answer with `rejection` and close
  };

  explicit RequestReader(Limits limits);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  /// Room for input, never empty. Valid until the next call.
  std::span<char> prepare();
  void commit(std::size_t bytes) noexcept { end_ += bytes; }
  /// Bytes that were committed and not yet parsed.
  std::size_t unparsed() const noexcept { return end_ - begin_; }

  Step parse();

  Request& request() noexcept { return request_; }
  Rejection rejection() const noexcept { return rejection_; }

  /// True from the first byte of a request on, until `next`.
  bool started() const noexcept { return started_; }
  bool header_done() const noexcept;
  /// What the client asked for, once the header is done.
  bool keep_alive() const noexcept;
  bool http10() const noexcept;

  /// Forgets the request; what follows it stays. Gives back buffers that a large request made.
  void next();
  /// Gives back all memory that can be spared while the connection is idle.
  void release() noexcept;

 private:
  class Parser;

  bool skip_empty_lines() noexcept;
  Step parse_some();
  Step refuse(Rejection why) noexcept;
  Rejection version_or_malformed() const noexcept;
  void make_room(std::size_t room);

  Limits limits_;
  Request request_;
  std::unique_ptr<Parser> parser_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t header_bytes_ = 0;
  Rejection rejection_ = Rejection::malformed;
  bool started_ = false;
  bool in_chunk_line_ = false;  // more of it is to come, or of the trailers
};

}  // namespace tern::http

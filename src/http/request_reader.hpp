#pragma once

#include "http/chunk_bound.hpp"
#include "http/host.hpp"
#include "http/rejection.hpp"
#include "http/request.hpp"

#include <tern/error.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace tern::http {

/// Turns the bytes of a connection into requests, one after the other. Knows no socket: its owner reads into
/// `prepare`, tells how much with `commit`, and does what `parse` says.
class RequestReader {
 public:
  /// Bytes, as in `ServerLimits`. `header` holds for the head, and again for what comes with the chunks of a body:
  /// extensions and trailers together.
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

  /// `hosts`: which ones are served; nullptr: every one. Lifetime: it outlives the reader.
  explicit RequestReader(Limits limits, ServedHosts* hosts = nullptr);
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
  Step after_head();
  Step refuse(Rejection why) noexcept;
  Rejection rejection_of(error_code error) const noexcept;
  std::string_view unparsed_text() const noexcept { return {buffer_.get() + begin_, unparsed()}; }
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
  bool in_chunk_line_ = false;  // more of it is to come, or of the trailers
};

}  // namespace tern::http

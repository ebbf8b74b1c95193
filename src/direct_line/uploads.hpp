#pragma once

#include <tern/async/clock.hpp>
#include <tern/async/deadline.hpp>
#include <tern/storage/any_storage.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tern::direct_line {

/// A file that a client has sent.
struct UploadedFile {
  std::string name;
  std::string type;  ///< as `attachment_type` returns it
  std::string content;
};

/// The files of clients, in the store. Their ids cannot be guessed; whoever has one may read the file.
///
/// Lifetime: the clock outlives it.
/// Thread safety: all functions from any thread.
class Uploads {
 public:
  /// `max_bytes`: of all files; an empty one counts 4 KiB. `age`: how long a file is kept.
  Uploads(AnyStorage storage, std::size_t max_bytes, std::chrono::milliseconds age, Clock& clock);

  /// Keeps a file and returns its id. nullopt when all files together would be too large.
  awaitable<std::optional<std::string>> keep(UploadedFile file, Deadline by);
  /// nullopt when there is no such file, or none any more.
  awaitable<std::optional<UploadedFile>> find(std::string id, Deadline by);

  /// Looks at a page of the files: removes those whose time is over, and counts the others. Returns where the next page
  /// begins; "" at the end, when the bytes of all files are known.
  awaitable<std::string> sweep(std::string after, Deadline by);

  /// The bytes of all files, each counted with 4 KiB at least: as the last sweep has counted, and what this process has
  /// kept since.
  std::size_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

 private:
  awaitable<void> remove(std::string id, Deadline by);

  AnyStorage storage_;
  const std::size_t max_bytes_;
  const std::chrono::milliseconds age_;
  Clock& clock_;
  std::atomic<std::size_t> bytes_ = 0;
  std::size_t counted_ = 0;  // by the sweep under way; used by the sweep alone
};

}  // namespace tern::direct_line

#pragma once

#include "direct_line/file_shares.hpp"

#include <tern/async/clock.hpp>
#include <tern/async/deadline.hpp>
#include <tern/error.hpp>
#include <tern/storage/any_storage.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::direct_line {

/// A file that a client has sent.
struct UploadedFile {
  std::string name;
  std::string type;  ///< as `attachment_type` returns it
  std::string content;
};

/// What is known of a file without its content.
struct KeptFile {
  std::string id;
  std::string name;
  std::string type;
  std::size_t size = 0;
};

/// The files of clients, in the store, in pieces. Their ids cannot be guessed; whoever has one may read the file.
///
/// Lifetime: the clock outlives it.
/// Thread safety: all functions from any thread.
class Uploads {
 public:
  /// The most bytes of a piece.
  static constexpr std::size_t piece_bytes = std::size_t{192} * 1024;

  /// `bounds`: a file counts 4 KiB at least. `age`: how long a file is kept.
  Uploads(AnyStorage storage, const FileBounds& bounds, std::chrono::milliseconds age, Clock& clock);

  /// Takes room for files that are about to be kept: for all of them or for none.
  result<FileRoom, FileShares::Full> take_room(const std::vector<UploadedFile>& files, FileOwner owner);
  /// Keeps a file and returns its id. Uses its part of the room, unless the store refuses the file.
  /// Preconditions: `room` was taken for it. Lifetime: `room` outlives the call.
  awaitable<std::string> keep(UploadedFile file, FileRoom& room, Deadline by);

  /// nullopt when there is no such file, or none any more.
  awaitable<std::optional<KeptFile>> find(std::string id, Deadline by);
  /// A piece of the content, from 0 on. nullopt when there is none, or none any more.
  awaitable<std::optional<std::string>> piece(std::string id, std::size_t number, Deadline by);

  /// Looks at a page of the files: removes those whose time is over, and counts the others. Returns where the next page
  /// begins; "" at the end, when the bytes of all files are known.
  awaitable<std::string> sweep(std::string after, Deadline by);

  /// The bytes of all files, each counted with 4 KiB at least: as the last sweep has counted, and what this process has
  /// kept since.
  std::size_t bytes() const { return shares_.bytes(); }

 private:
  awaitable<void> remove(std::string id, Deadline by);

  AnyStorage storage_;
  FileShares shares_;
  const std::chrono::milliseconds age_;
  Clock& clock_;
  WallTime sweep_begun_;  // of the sweep under way
};

}  // namespace tern::direct_line

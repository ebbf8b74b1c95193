#pragma once

#include <tern/storage.hpp>

/// Checks of all backends before an operation begins, so that misuse has the same error on all of them.
/// Errors: each function throws `errc::invalid_argument`, with a message that names the offender.
namespace tern::detail {

/// The most items in one page of documents or sends.
inline constexpr std::size_t max_page = 1000;

/// Keys have 1 to `max_key_bytes` bytes.
void require_valid(const std::vector<std::string>& keys);

/// Keys as above, each once; no empty eTag; each send in the slot of its order key, and no id twice.
void require_valid(const StoreChanges& changes);

/// The topic of a hint or a note: 1 to 256 printable characters of ASCII.
void require_valid_topic(const std::string& topic);

/// The topics of a write: at most 100.
void require_valid_hints(const std::vector<std::string>& topics);

void require_valid(const StoreScan& scan);

/// A slot that exists and a limit of at least 1.
void require_valid(const DueQuery& query);

void require_valid(const SendQuery& query);
void require_valid(const DeadQuery& query);
void require_valid(const KeyQuery& query);

/// The number that a page's `next` is, 0 for the first page. Refuses what is no `next` of a page.
std::uint64_t place_of_page(std::string_view next);

/// The place in a listing of sends that a page's `next` stands for: (due in nanoseconds, seq).
struct SendPlace {
  WallTime due;
  std::uint64_t seq = 0;

  std::string to_string() const;
  /// Refuses what is no `next` of a page.
  static SendPlace parse(std::string_view text);
};

}  // namespace tern::detail

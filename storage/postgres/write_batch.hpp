#pragma once

#include "requests.hpp"
#include "schema.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace tern::detail::pg {

/// The rows of several writes, sorted by key, in the form of the write statement.
///
/// Lifetime: refers to the changes it was made from.
class WriteBatch {
 public:
  /// Takes those of `writes` that can go into one statement: none that has a key of an earlier one, so that the writes
  /// of a key keep their order, and no more than `max_bytes` beyond the first. The rest is left for the next batch.
  WriteBatch(std::span<const StoreChanges* const> writes, std::size_t max_bytes);

  /// Which of the writes are in it, by position, ascending. Never empty.
  const std::vector<std::size_t>& taken() const noexcept { return taken_; }
  Session::Parameters parameters() const;

  /// What became of each taken write, in the order of `taken`.
  std::vector<WriteAnswer> answers(const pqxx::result& result) const;

 private:
  struct Row {
    std::string_view key;
    const std::string* document;  ///< nullptr removes
    const Expect* expect;
    std::uint32_t write;  ///< position among the writes; once chosen, in `taken`
    std::uint32_t place;  ///< of an upsert among those of its write
  };

  std::vector<Row> rows_;
  std::vector<std::size_t> taken_;
  std::span<const StoreChanges* const> writes_;
};

}  // namespace tern::detail::pg

#pragma once

#include "requests.hpp"
#include "schema.hpp"

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace tern::detail::pg {

/// The rows of several writes, sorted by key, in the form of the write statement.
///
/// Lifetime: refers to the changes it was made from.
class WriteBatch {
 public:
  /// Takes the writes that can go into one statement: no write with a key of an earlier one, so that the writes of a
  /// key keep their order, and no more than `max_bytes` beyond the first. The others are left for the next batch.
  WriteBatch(std::span<const StoreChanges* const> writes, std::size_t max_bytes);

  /// Which of the writes are in it, by position, ascending. Never empty but after `keep`.
  const std::vector<std::size_t>& taken() const noexcept { return taken_; }

  /// Leaves out the writes whose place in `taken` is false.
  void keep(const std::vector<bool>& kept);

  /// Whether a write only changes documents that it expects to exist: the update statement can do it.
  static bool is_update(const StoreChanges& changes) noexcept;

  /// For the write statement: the result of each taken write, in the order of `taken`. `receipts`: empty ones, as
  /// many, perhaps with room for their eTags.
  Session::Parameters parameters() const;
  std::vector<WriteAnswer> answers(const pqxx::result& result, std::vector<StoreReceipt> receipts) const;

  /// For the update statement: the result of each taken write; none where only the write statement can tell.
  Session::Parameters update_parameters() const;
  std::vector<std::optional<WriteAnswer>> update_answers(const pqxx::result& result,
                                                         std::vector<StoreReceipt> receipts) const;

 private:
  struct Row {
    std::string_view key;
    const std::string* document;  ///< nullptr removes
    const Expect* expect;
    std::uint32_t write;  ///< position among the writes; once chosen, in `taken`
    std::uint32_t place;  ///< of an upsert among those of its write
  };

  /// An empty eTag for each upsert.
  void make_room(std::vector<StoreReceipt>& receipts) const;
  const Row& row_of(const pqxx::field& position) const;

  std::vector<Row> rows_;
  std::vector<std::size_t> taken_;
  std::span<const StoreChanges* const> writes_;
};

}  // namespace tern::detail::pg

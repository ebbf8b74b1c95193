#pragma once

#include "storage/hash_index.hpp"

#include <tern/storage.hpp>

#include <boost/intrusive/set.hpp>

#include <memory>

namespace tern::detail {

/// The documents of a `MemoryStorage`: in byte order for scans, hashed for all else.
///
/// Texts are shared, so that under the lock only a pointer is copied, however long the document.
/// Thread safety: none; the owner's mutex guards it.
class DocumentTable {
 public:
  using Text = std::shared_ptr<const std::string>;

  struct Row {
    std::string key;
    Text text;
    std::uint64_t etag = 0;
  };

 private:
  using Hook = boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>,
                                               boost::intrusive::optimize_size<true>>;
  struct Document : Hook {
    std::string key;
    Text text;
    std::uint64_t etag = 0;
    std::uint64_t hash = 0;

    std::uint64_t bytes() const noexcept { return key.size() + text->size(); }
  };

 public:
  /// One change of a document, prepared outside the lock and, with what it replaced, destroyed outside it.
  class Change {
   public:
    explicit Change(StoreUpsert& upsert);
    explicit Change(StoreRemoval& removal);

   private:
    friend class DocumentTable;
    std::string* key_;
    const Expect* expect_;
    Text text_;  ///< null for a removal
    std::uint64_t hash_;
    bool spare_ = false;
    bool left_out_ = false;
    Document* found_ = nullptr;
    std::unique_ptr<Document> removed_;
  };

  /// The last eighth of `max_bytes` is not for spare documents.
  explicit DocumentTable(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}
  ~DocumentTable();
  DocumentTable(const DocumentTable&) = delete;
  DocumentTable& operator=(const DocumentTable&) = delete;

  /// The text and eTag of a document; a null text when it is absent.
  std::pair<Text, std::uint64_t> find(std::string_view key) const;

  /// Looks every change's document up; the keys of those that are not as expected.
  std::vector<std::string> conflicts(std::vector<Change>& changes) const;

  /// Leaves out the spare documents for which there is no room.
  /// Preconditions: as `fits`.
  void leave_out_spare(std::vector<Change>& changes) const noexcept;

  /// Whether the changes that are not left out stay within the bound. One that frees memory always does.
  /// Preconditions: `conflicts` has looked them up, and nothing was applied since.
  bool fits(const std::vector<Change>& changes) const noexcept;

  /// Applies the changes and appends the eTags of the upserts, "" for one that is left out. An allocation that fails
  /// here ends the process: better than half a write. Preconditions: as `fits`.
  void apply(std::vector<Change>& changes, std::vector<std::string>& etags) noexcept;

  /// Up to `scan.limit` rows; whether there are more.
  bool scan(const StoreScan& scan, std::vector<Row>& rows) const;

 private:
  struct ByKey {
    bool operator()(const Document& a, const Document& b) const noexcept { return a.key < b.key; }
    bool operator()(const Document& a, std::string_view b) const noexcept { return a.key < b; }
    bool operator()(std::string_view a, const Document& b) const noexcept { return a < b.key; }
  };
  using Ordered =
      boost::intrusive::set<Document, boost::intrusive::compare<ByKey>, boost::intrusive::constant_time_size<false>>;

  bool fits(const std::vector<Change>& changes, std::uint64_t most) const noexcept;
  Document* lookup(std::string_view key, std::uint64_t hash) const;
  bool as_expected(const Change& change) const noexcept;
  void upsert(Change& change) noexcept;
  void remove(Change& change) noexcept;

  std::uint64_t max_bytes_;
  std::uint64_t bytes_ = 0;
  std::uint64_t last_etag_ = 0;
  Ordered ordered_;
  HashIndex<Document, 64> index_;
};

/// An eTag as text.
std::string etag_text(std::uint64_t etag);

}  // namespace tern::detail

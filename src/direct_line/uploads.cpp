#include "direct_line/uploads.hpp"

#include "auth/base64url.hpp"
#include "direct_line/random_text.hpp"

#include <tern/error.hpp>
#include <tern/schema/parse.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace tern::direct_line {

namespace {

constexpr std::size_t piece_bytes = std::size_t{192} * 1024;
constexpr std::size_t files_in_page = 200;
constexpr std::string_view file_prefix = "direct-line/f/";

std::string file_key(std::string_view id) {
  return std::string(file_prefix).append(id);
}

std::string piece_key(std::string_view id, std::size_t piece) {
  return std::string("direct-line/g/").append(id).append("/").append(std::to_string(piece));
}

std::size_t pieces_of(std::size_t size) {
  return (size + piece_bytes - 1) / piece_bytes;
}

/// What is kept beside the content.
struct FileRecord {
  std::string name;
  std::string type;
  std::size_t size = 0;
  WallTime kept;
};

std::optional<FileRecord> record_of(const StoreItem* item) {
  if (item == nullptr) {
    return std::nullopt;
  }
  const auto value = parse_json(item->document);
  const auto* fields = value ? value->if_object() : nullptr;
  if (fields == nullptr || !fields->contains("size")) {
    return std::nullopt;
  }
  return FileRecord{std::string(fields->at("name").as_string()), std::string(fields->at("type").as_string()),
                    static_cast<std::size_t>(fields->at("size").as_int64()),
                    WallTime(std::chrono::milliseconds(fields->at("at").as_int64()))};
}

std::string document_of(const FileRecord& record) {
  return json::serialize(
      json::object{{"v", 1},
                   {"name", record.name},
                   {"type", record.type},
                   {"size", static_cast<std::int64_t>(record.size)},
                   {"at", std::chrono::floor<std::chrono::milliseconds>(record.kept.time_since_epoch()).count()}});
}

}  // namespace

Uploads::Uploads(AnyStorage storage, std::size_t max_bytes, std::chrono::milliseconds age, Clock& clock)
    : storage_(std::move(storage)), max_bytes_(max_bytes), age_(age), clock_(clock) {}

awaitable<std::optional<std::string>> Uploads::keep(UploadedFile file, Deadline by) {
  const auto size = file.content.size();
  if (bytes_.fetch_add(size, std::memory_order_relaxed) + size > max_bytes_) {
    bytes_.fetch_sub(size, std::memory_order_relaxed);
    co_return std::nullopt;
  }
  auto id = random_text(id_bytes);
  StoreChanges changes;
  for (std::size_t piece = 0; piece < pieces_of(size); ++piece) {
    const auto text = auth::encode_base64url(std::string_view(file.content).substr(piece * piece_bytes, piece_bytes));
    changes.upserts.emplace_back(piece_key(id, piece), json::serialize(json::value(text)));
  }
  changes.upserts.emplace_back(file_key(id),
                               document_of({std::move(file.name), std::move(file.type), size, clock_.wall_now()}));
  (void)co_await storage_.write(std::move(changes), by);
  co_return id;
}

awaitable<std::optional<UploadedFile>> Uploads::find(std::string id, Deadline by) {
  std::vector<std::string> key(1, file_key(id));
  const auto found = co_await storage_.read(std::move(key), by);
  auto record = record_of(found.find(file_key(id)));
  if (!record || clock_.wall_now() - record->kept > age_) {
    co_return std::nullopt;
  }
  UploadedFile file{std::move(record->name), std::move(record->type), {}};
  std::vector<std::string> keys;
  keys.reserve(pieces_of(record->size));
  for (std::size_t piece = 0; piece < pieces_of(record->size); ++piece) {
    keys.push_back(piece_key(id, piece));
  }
  if (keys.empty()) {
    co_return file;
  }
  const auto pieces = co_await storage_.read(std::move(keys), by);
  for (std::size_t piece = 0; piece < pieces_of(record->size); ++piece) {
    const auto* item = pieces.find(piece_key(id, piece));
    const auto value = item != nullptr ? parse_json(item->document) : parse_json("null");
    const auto bytes = value && value->is_string() ? auth::decode_base64url(value->get_string()) : std::nullopt;
    if (!bytes) {
      co_return std::nullopt;  // it was removed meanwhile
    }
    file.content += *bytes;
  }
  co_return file;
}

awaitable<std::string> Uploads::sweep(std::string after, Deadline by) {
  counted_ = after.empty() ? 0 : counted_;
  StoreScan scan{std::string(file_prefix), files_in_page, std::move(after)};
  auto page = co_await storage_.scan(std::move(scan), by);
  for (const auto& item : page.items) {
    const auto record = record_of(&item);
    if (record && clock_.wall_now() - record->kept <= age_) {
      counted_ += record->size;
      continue;
    }
    StoreChanges changes;
    for (std::size_t piece = 0; record && piece < pieces_of(record->size); ++piece) {
      changes.removals.emplace_back(piece_key(std::string_view(item.key).substr(file_prefix.size()), piece));
    }
    changes.removals.emplace_back(item.key);
    (void)co_await storage_.write(std::move(changes), by);
  }
  if (page.next.empty()) {
    bytes_.store(counted_, std::memory_order_relaxed);
  }
  co_return std::move(page.next);
}

}  // namespace tern::direct_line

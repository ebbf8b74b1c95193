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

constexpr std::size_t files_in_page = 200;
constexpr std::size_t pieces_in_page = 8;
// A file takes its record and its places in the store, also when it is empty.
constexpr std::size_t least_charge = std::size_t{4} * 1024;
constexpr std::string_view file_prefix = "direct-line/f/";

std::string file_key(std::string_view id) {
  return std::string(file_prefix).append(id);
}

std::string pieces_prefix(std::string_view id) {
  return std::string("direct-line/g/").append(id).append("/");
}

std::string piece_key(std::string_view id, std::size_t piece) {
  return pieces_prefix(id).append(std::to_string(piece));
}

std::size_t charge_for(std::size_t size) {
  return std::max(size, least_charge);
}

std::size_t pieces_of(std::size_t size) {
  return (size + Uploads::piece_bytes - 1) / Uploads::piece_bytes;
}

/// What is kept beside the content.
struct FileRecord {
  std::string name;
  std::string type;
  std::size_t size = 0;
  WallTime kept;
  FileOwner owner;
};

std::string text_of(const json::value* value) {
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<FileRecord> record_of(const StoreItem* item) {
  if (item == nullptr) {
    return std::nullopt;
  }
  const auto value = parse_json(item->document);
  const auto* fields = value ? value->if_object() : nullptr;
  if (fields == nullptr) {
    return std::nullopt;
  }
  const auto* name = fields->if_contains("name");
  const auto* type = fields->if_contains("type");
  const auto* size = fields->if_contains("size");
  const auto* kept = fields->if_contains("at");
  const bool is_whole = name != nullptr && name->is_string() && type != nullptr && type->is_string() &&
                        size != nullptr && size->is_int64() && size->get_int64() >= 0 && kept != nullptr &&
                        kept->is_int64();
  if (!is_whole) {
    return std::nullopt;
  }
  return FileRecord{std::string(name->get_string()), std::string(type->get_string()),
                    static_cast<std::size_t>(size->get_int64()), WallTime(std::chrono::milliseconds(kept->get_int64())),
                    FileOwner{text_of(fields->if_contains("conversation")), text_of(fields->if_contains("client"))}};
}

std::string document_of(const FileRecord& record) {
  return json::serialize(
      json::object{{"v", 1},
                   {"name", record.name},
                   {"type", record.type},
                   {"size", static_cast<std::int64_t>(record.size)},
                   {"at", std::chrono::floor<std::chrono::milliseconds>(record.kept.time_since_epoch()).count()},
                   {"conversation", record.owner.conversation},
                   {"client", record.owner.client}});
}

// After an error of the store. A slow store may still be writing: then the bound must hold, and the next sweep tells.
// Where the store was away hardly any file was written, and no client can bring that about; the next sweep finds it.
bool may_be_written(const error_code& error) {
  return error != errc::overloaded && error != errc::storage_unavailable && error != errc::invalid_argument &&
         error != errc::shutting_down;
}

}  // namespace

Uploads::Uploads(AnyStorage storage, const FileBounds& bounds, std::chrono::milliseconds age, Clock& clock)
    : storage_(std::move(storage)), shares_(bounds), age_(age), clock_(clock) {}

result<FileRoom, FileShares::Full> Uploads::take_room(const std::vector<UploadedFile>& files, FileOwner owner) {
  std::size_t bytes = 0;
  for (const auto& file : files) {
    bytes += charge_for(file.content.size());
  }
  const auto counts_begun = shares_.counts_begun();
  const auto now = clock_.wall_now();
  if (const auto full = shares_.take(owner, bytes)) {
    return *full;
  }
  return FileRoom(shares_, std::move(owner), bytes, counts_begun, now);
}

awaitable<std::string> Uploads::keep(UploadedFile file, FileRoom& room, Deadline by) {
  const auto size = file.content.size();
  auto id = random_text(id_bytes);
  StoreChanges changes;
  for (std::size_t piece = 0; piece < pieces_of(size); ++piece) {
    const auto text = auth::encode_base64url(std::string_view(file.content).substr(piece * piece_bytes, piece_bytes));
    changes.upserts.emplace_back(piece_key(id, piece), json::serialize(json::value(text)));
  }
  changes.upserts.emplace_back(
      file_key(id), document_of({std::move(file.name), std::move(file.type), size, room.taken(), room.owner()}));
  room.use(charge_for(size));
  try {
    (void)co_await storage_.write(std::move(changes), by);
  } catch (const system_error& e) {
    if (!may_be_written(e.code())) {
      room.return_unused(charge_for(size));
    }
    throw;
  }
  co_return id;
}

awaitable<std::optional<KeptFile>> Uploads::find(std::string id, Deadline by) {
  std::vector<std::string> key(1, file_key(id));
  const auto found = co_await storage_.read(std::move(key), by);
  auto record = record_of(found.find(file_key(id)));
  if (!record || clock_.wall_now() - record->kept > age_) {
    co_return std::nullopt;
  }
  co_return KeptFile{std::move(id), std::move(record->name), std::move(record->type), record->size};
}

awaitable<std::optional<std::string>> Uploads::piece(std::string id, std::size_t number, Deadline by) {
  const auto key = piece_key(id, number);
  std::vector<std::string> keys(1, key);
  const auto pieces = co_await storage_.read(std::move(keys), by);
  const auto* item = pieces.find(key);
  const auto value = item != nullptr ? parse_json(item->document) : parse_json("null");
  co_return value && value->is_string() ? auth::decode_base64url(value->get_string()) : std::nullopt;
}

// The pieces are looked for, because a damaged record does not tell how many there are. The record goes last, so that a
// removal that was cut short is gone on with.
awaitable<void> Uploads::remove(std::string id, Deadline by) {
  std::string after;
  do {
    StoreScan scan{pieces_prefix(id), pieces_in_page, std::move(after)};
    auto page = co_await storage_.scan(std::move(scan), by);
    StoreChanges changes;
    for (auto& item : page.items) {
      changes.removals.emplace_back(std::move(item.key));
    }
    after = std::move(page.next);
    if (after.empty()) {
      changes.removals.emplace_back(file_key(id));
    }
    (void)co_await storage_.write(std::move(changes), by);
  } while (!after.empty());
}

awaitable<std::string> Uploads::sweep(std::string after, Deadline by) {
  if (after.empty()) {
    shares_.begin_count();
    sweep_begun_ = clock_.wall_now();  // afterwards, so that no file is missed that was taken in between
  }
  StoreScan scan{std::string(file_prefix), files_in_page, std::move(after)};
  auto page = co_await storage_.scan(std::move(scan), by);
  for (const auto& item : page.items) {
    const auto record = record_of(&item);
    if (record && clock_.wall_now() - record->kept <= age_) {
      if (record->kept <= sweep_begun_) {  // others are counted as taken since
        shares_.count(record->owner, charge_for(record->size));
      }
      continue;
    }
    auto id = item.key.substr(file_prefix.size());
    co_await remove(std::move(id), by);
  }
  if (page.next.empty()) {
    shares_.end_count();
  }
  co_return std::move(page.next);
}

}  // namespace tern::direct_line

#include "record.hpp"

namespace tern::detail::rocks {

namespace {

constexpr char version = 1;
constexpr std::size_t number_bytes = 8;
constexpr std::size_t header_bytes = 1 + number_bytes;

void append_number(std::string& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out += static_cast<char>((number >> shift) & 0xFF);
  }
}

}  // namespace

std::string encode_number(std::uint64_t number) {
  std::string bytes;
  append_number(bytes, number);
  return bytes;
}

std::optional<std::uint64_t> decode_number(std::string_view bytes) noexcept {
  if (bytes.size() != number_bytes) {
    return std::nullopt;
  }
  std::uint64_t number = 0;
  for (const char byte : bytes) {
    number = number << 8 | static_cast<unsigned char>(byte);
  }
  return number;
}

std::string encode_record(std::uint64_t etag, std::string_view document) {
  std::string bytes;
  bytes.reserve(header_bytes + document.size());
  bytes += version;
  append_number(bytes, etag);
  bytes += document;
  return bytes;
}

std::optional<Record> decode_record(const rocksdb::Slice& bytes) noexcept {
  if (bytes.size() < header_bytes || bytes[0] != version) {
    return std::nullopt;
  }
  const std::string_view view(bytes.data(), bytes.size());
  Record record;
  record.etag = *decode_number(view.substr(1, number_bytes));
  record.document = view.substr(header_bytes);
  return record;
}

std::string etag_text(std::uint64_t etag) {
  return std::to_string(etag);
}

}  // namespace tern::detail::rocks

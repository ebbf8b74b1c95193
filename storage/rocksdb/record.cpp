#include "record.hpp"

#include <charconv>

namespace tern::detail::rocks {

namespace {

constexpr char document_version = 1;
constexpr std::size_t number_bytes = 8;

// Big-endian.
void put_number(char* at, std::uint64_t number) noexcept {
  for (int shift = 56; shift >= 0; shift -= 8) {
    *at++ = static_cast<char>((number >> shift) & 0xFF);
  }
}

}  // namespace

std::string encode_number(std::uint64_t number) {
  std::string bytes(number_bytes, '\0');
  put_number(bytes.data(), number);
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

std::array<char, record_header_bytes> record_header(std::uint64_t etag) noexcept {
  std::array<char, record_header_bytes> header{document_version};
  put_number(header.data() + 1, etag);
  return header;
}

std::optional<Record> decode_record(const rocksdb::Slice& bytes) noexcept {
  if (bytes.size() < record_header_bytes || bytes[0] != document_version) {
    return std::nullopt;
  }
  const std::string_view view(bytes.data(), bytes.size());
  Record record;
  record.etag = *decode_number(view.substr(1, number_bytes));
  record.document = view.substr(record_header_bytes);
  return record;
}

std::string etag_text(std::uint64_t etag) {
  return std::to_string(etag);
}

std::uint64_t etag_number(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  const bool ours = parsed.ec == std::errc() && parsed.ptr == end && text.front() != '0';
  return ours ? number : 0;
}

}  // namespace tern::detail::rocks

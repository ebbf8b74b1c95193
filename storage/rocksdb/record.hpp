#pragma once

#include <rocksdb/slice.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tern::detail::rocks {

/// How a document is stored: a byte for the version of this format, its eTag in 8 bytes, big-endian, and its text.
struct Record {
  std::uint64_t etag = 0;
  std::string_view document;  ///< of the bytes that were read
};

/// The bytes before a document's text.
inline constexpr std::size_t record_header_bytes = 9;
std::array<char, record_header_bytes> record_header(std::uint64_t etag) noexcept;

/// nullopt when the bytes are no record that this version knows.
std::optional<Record> decode_record(const rocksdb::Slice& bytes) noexcept;

std::string encode_number(std::uint64_t number);
std::optional<std::uint64_t> decode_number(std::string_view bytes) noexcept;

/// An eTag as callers see it.
std::string etag_text(std::uint64_t etag);
/// The eTag with this text; 0 for a text that is no eTag.
std::uint64_t etag_number(std::string_view text) noexcept;

}  // namespace tern::detail::rocks

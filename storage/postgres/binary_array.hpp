#pragma once

#include <pqxx/binarystring>

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace tern::detail::pg {

/// Appends an integer as PostgreSQL's binary format has it: big-endian.
template <class Integer>
void append_binary(std::string& bytes, Integer value) {
  static_assert(sizeof value >= 4);
  auto bits = static_cast<std::make_unsigned_t<Integer>>(value);
  char text[sizeof bits];
  for (std::size_t i = sizeof bits; i-- > 0; bits >>= 8) {
    text[i] = static_cast<char>(bits & 0xFF);
  }
  bytes.append(text, sizeof text);
}

/// The type of an array's elements, by its number in PostgreSQL's catalogue; these never change.
enum class ElementType : std::uint32_t { bytea = 17, int8 = 20, int4 = 23, text = 25, uuid = 2950 };

/// Writes an array parameter in the binary format: no escaping, and a NUL is a byte like any other.
///
/// It goes to libpqxx as a `binarystring`, which alone it sends as binary; the server then expects the binary form of
/// the type that the statement gives the parameter.
class BinaryArray {
 public:
  /// `payload`: the bytes of all elements, if they vary and are known.
  BinaryArray(ElementType type, std::size_t count, std::size_t payload = 0) {
    bytes_.reserve(header_bytes + count * (length_bytes + size_of(type)) + payload);
    append_binary<std::int32_t>(bytes_, 1);  // dimensions
    append_binary<std::int32_t>(bytes_, 0);  // whether there are nulls; the server looks for itself
    append_binary(bytes_, static_cast<std::uint32_t>(type));
    append_binary(bytes_, static_cast<std::int32_t>(count));
    append_binary<std::int32_t>(bytes_, 1);  // the first subscript
  }

  void add(std::string_view bytes) {
    append_binary(bytes_, static_cast<std::int32_t>(bytes.size()));
    bytes_.append(bytes);
  }
  template <class Integer>
  void add_integer(Integer value) {
    append_binary(bytes_, static_cast<std::int32_t>(sizeof value));
    append_binary(bytes_, value);
  }
  /// Elements that are written already, each with its length before it.
  void add_elements(std::string_view elements) { bytes_.append(elements); }
  void add_null() { append_binary<std::int32_t>(bytes_, -1); }

  pqxx::binarystring parameter() const { return {bytes_.data(), bytes_.size()}; }

 private:
  static constexpr std::size_t header_bytes = 20;
  static constexpr std::size_t length_bytes = 4;

  /// 0 when it varies.
  static constexpr std::size_t size_of(ElementType type) noexcept {
    switch (type) {
      case ElementType::int4:
        return 4;
      case ElementType::int8:
        return 8;
      case ElementType::uuid:
        return 16;
      default:
        return 0;
    }
  }

  std::string bytes_;
};

}  // namespace tern::detail::pg

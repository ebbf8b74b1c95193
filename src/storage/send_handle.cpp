#include <tern/storage/schedule_types.hpp>

#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid.hpp>

#include <algorithm>

namespace tern {

namespace {

// Version, slot, due in nanoseconds, id, all big-endian: 27 bytes, which base64url writes as exactly 36 characters
// without padding or spare bits. So every handle has one text, and no other text is a handle.
constexpr std::uint8_t format_version = 1;
constexpr std::size_t packed_bytes = 27;
constexpr std::size_t text_bytes = packed_bytes / 3 * 4;
using Packed = std::array<std::uint8_t, packed_bytes>;

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::uint8_t no_digit = 0xFF;

constexpr std::array<std::uint8_t, 256> make_digits() {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(no_digit);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    digits[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return digits;
}

constexpr auto digits = make_digits();

std::optional<Packed> decode(std::string_view text) {
  if (text.size() != text_bytes) {
    return std::nullopt;
  }
  Packed packed{};
  for (std::size_t group = 0; group < packed_bytes / 3; ++group) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const auto digit = digits[static_cast<unsigned char>(text[4 * group + i])];
      if (digit == no_digit) {
        return std::nullopt;
      }
      bits = bits << 6 | digit;
    }
    packed[3 * group] = static_cast<std::uint8_t>(bits >> 16);
    packed[3 * group + 1] = static_cast<std::uint8_t>(bits >> 8);
    packed[3 * group + 2] = static_cast<std::uint8_t>(bits);
  }
  return packed;
}

}  // namespace

std::string SendHandle::to_string() const {
  const auto since_epoch = std::chrono::duration_cast<std::chrono::nanoseconds>(due.time_since_epoch()).count();
  const auto nanoseconds = static_cast<std::uint64_t>(since_epoch);
  Packed packed{};
  packed[0] = format_version;
  packed[1] = static_cast<std::uint8_t>(slot >> 8);
  packed[2] = static_cast<std::uint8_t>(slot);
  for (std::size_t i = 0; i < 8; ++i) {
    packed[3 + i] = static_cast<std::uint8_t>(nanoseconds >> (56 - 8 * i));
  }
  std::copy(id.begin(), id.end(), packed.begin() + 11);

  std::string text;
  text.reserve(text_bytes);
  for (std::size_t i = 0; i < packed_bytes; i += 3) {
    const auto bits = static_cast<std::uint32_t>(packed[i] << 16 | packed[i + 1] << 8 | packed[i + 2]);
    text += alphabet[bits >> 18];
    text += alphabet[bits >> 12 & 63];
    text += alphabet[bits >> 6 & 63];
    text += alphabet[bits & 63];
  }
  return text;
}

std::optional<SendHandle> SendHandle::parse(std::string_view text) {
  const auto packed = decode(text);
  if (!packed || (*packed)[0] != format_version) {
    return std::nullopt;
  }
  SendHandle handle;
  handle.slot = static_cast<std::uint16_t>((*packed)[1] << 8 | (*packed)[2]);
  if (handle.slot >= slot_count) {
    return std::nullopt;
  }
  std::uint64_t nanoseconds = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    nanoseconds = nanoseconds << 8 | (*packed)[3 + i];
  }
  const std::chrono::nanoseconds since_epoch(static_cast<std::int64_t>(nanoseconds));
  handle.due = WallTime(std::chrono::duration_cast<WallTime::duration>(since_epoch));
  std::copy(packed->begin() + 11, packed->end(), handle.id.begin());
  return handle;
}

std::array<std::uint8_t, 16> new_send_id() {
  thread_local boost::uuids::random_generator generate;
  const auto uuid = generate();
  std::array<std::uint8_t, 16> id{};
  std::copy(uuid.begin(), uuid.end(), id.begin());
  return id;
}

}  // namespace tern

#include "field_text.hpp"

#include "failure.hpp"

#include <charconv>

namespace tern::detail::pg {

namespace {

constexpr std::size_t longest_shown = 60;

[[noreturn]] void refuse_field(FieldText field, const char* what) {
  const auto shown = field ? "\"" + std::string(field->substr(0, longest_shown)) + "\"" : std::string("NULL");
  throw Failure(FailureKind::refused, "the server sent " + shown + " for " + what + ".");
}

int digit_of(char hex) noexcept {
  if (hex >= '0' && hex <= '9') {
    return hex - '0';
  }
  return hex >= 'a' && hex <= 'f' ? hex - 'a' + 10 : -1;
}

WallTime time_in(FieldText field) noexcept {
  return from_ns(number_in(field));
}

std::optional<WallTime> optional_time_in(FieldText field) noexcept {
  return field ? std::optional(time_in(field)) : std::nullopt;
}

std::string string_in(FieldText field) {
  return std::string(field.value_or(std::string_view()));
}

SendKind kind_in(FieldText field) {
  const auto number = number_in(field);
  if (number < 0 || number > static_cast<std::int64_t>(SendKind::continuation)) {
    refuse_field(field, "the kind of a send");
  }
  return static_cast<SendKind>(number);
}

}  // namespace

std::int64_t to_ns(WallTime time) noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

WallTime from_ns(std::int64_t nanoseconds) noexcept {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(std::chrono::nanoseconds(nanoseconds)));
}

std::int64_t number_in(FieldText field) noexcept {
  std::int64_t value = 0;
  if (field) {
    std::from_chars(field->data(), field->data() + field->size(), value);
  }
  return value;
}

std::uint16_t slot_in(FieldText field) {
  const auto slot = number_in(field);
  if (!field || slot < 0 || slot >= slot_count) {
    refuse_field(field, "a slot, which is from 0 to 63");
  }
  return static_cast<std::uint16_t>(slot);
}

SendId id_in(FieldText field) {
  SendId id{};
  std::size_t digits = 0;
  for (const char c : field.value_or(std::string_view())) {
    const int digit = digit_of(c);
    if (digit < 0 ? c != '-' : digits == 2 * id.size()) {
      refuse_field(field, "the id of a send");
    }
    if (digit >= 0) {
      auto& byte = id.at(digits / 2);
      byte = static_cast<std::uint8_t>(byte << 4 | digit);
      ++digits;
    }
  }
  if (digits != 2 * id.size()) {
    refuse_field(field, "the id of a send");
  }
  return id;
}

std::string bytes_in_hex(FieldText field) {
  const auto hex = field.value_or(std::string_view());
  std::string bytes(hex.size() / 2, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = digit_of(hex[2 * i]);
    const int low = digit_of(hex[2 * i + 1]);
    if (high < 0 || low < 0) {
      refuse_field(field, "bytes in hexadecimal digits");
    }
    bytes[i] = static_cast<char>(high << 4 | low);
  }
  if (hex.size() % 2 != 0) {
    refuse_field(field, "bytes in hexadecimal digits");
  }
  return bytes;
}

ScheduledSend send_in(const SendFields& fields) {
  ScheduledSend send;
  const auto* field = fields.begin();
  send.handle.slot = slot_in(*field++);
  send.handle.due = time_in(*field++);
  send.handle.id = id_in(*field++);
  send.seq = static_cast<std::uint64_t>(number_in(*field++));
  send.generation = static_cast<std::uint32_t>(number_in(*field++));
  send.attempt = static_cast<std::uint32_t>(number_in(*field++));
  send.begun = static_cast<std::uint16_t>(number_in(*field++));
  send.not_before = optional_time_in(*field++).value_or(WallTime{});
  send.kind = kind_in(*field++);
  send.at_most_once = number_in(*field++) != 0;
  send.expires = optional_time_in(*field++);
  send.order_key = string_in(*field++);
  send.reference = string_in(*field++);
  send.payload = string_in(*field++);
  send.idempotency_key = string_in(*field++);
  send.client_request_id = string_in(*field++);
  send.cancel_on_reply = string_in(*field++);
  send.annotations = string_in(*field++);
  return send;
}

StoredKey stored_key_in(const KeyFields& fields) {
  StoredKey stored;
  stored.key.handle = {slot_in(fields[1]), time_in(fields[2]), id_in(fields[3])};
  if (fields[4]) {
    stored.key.digest = id_in(fields[4]);
  }
  stored.came = time_in(fields[5]);
  stored.moved_to = optional_time_in(fields[6]);
  return stored;
}

}  // namespace tern::detail::pg

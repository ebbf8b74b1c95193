#include "schedule_rows.hpp"

#include "failure.hpp"

namespace tern::detail::pg {

namespace {

int digit_of(char hex) noexcept {
  if (hex >= '0' && hex <= '9') {
    return hex - '0';
  }
  return hex >= 'a' && hex <= 'f' ? hex - 'a' + 10 : -1;
}

}  // namespace

std::int64_t to_ns(WallTime time) noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

WallTime from_ns(std::int64_t nanoseconds) noexcept {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(std::chrono::nanoseconds(nanoseconds)));
}

std::int32_t week_of(WallTime time) noexcept {
  constexpr std::int64_t week = 604'800'000'000'000;
  return static_cast<std::int32_t>(to_ns(time) / week);
}

std::string_view bytes_of(const SendId& id) noexcept {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

SendId id_of(const pqxx::field& field) {
  SendId id{};
  std::size_t digits = 0;
  for (const char* at = field.c_str(); *at != '\0' && digits < 2 * id.size(); ++at) {
    const int digit = digit_of(*at);
    if (digit >= 0) {
      auto& byte = id.at(digits / 2);
      byte = static_cast<std::uint8_t>(byte << 4 | digit);
      ++digits;
    }
  }
  if (digits != 2 * id.size()) {
    throw Failure(FailureKind::refused, "the server sent \"" + text_of(field) + "\" for the id of a send.");
  }
  return id;
}

StoredKey stored_key_of(const pqxx::row& row) {
  StoredKey stored;
  auto& handle = stored.key.handle;
  handle.slot = static_cast<std::uint16_t>(number_of(row[1]));
  handle.due = from_ns(number_of(row[2]));
  handle.id = id_of(row[3]);
  if (!row[4].is_null()) {
    stored.key.digest = id_of(row[4]);
  }
  stored.came = from_ns(number_of(row[5]));
  if (!row[6].is_null()) {
    stored.moved_to = from_ns(number_of(row[6]));
  }
  return stored;
}

ScheduledSend send_of(const pqxx::row& row) {
  ScheduledSend send;
  auto field = row.begin();
  const auto next = [&](auto value_of) {
    auto value = value_of(field);
    ++field;
    return value;
  };
  const auto number = [&] { return next(number_of); };
  const auto text = [&] { return next(text_of); };
  const auto time = [&] {
    return next([](const auto& of) { return of.is_null() ? WallTime{} : from_ns(number_of(of)); });
  };
  send.handle.slot = static_cast<std::uint16_t>(number());
  send.handle.due = time();
  send.handle.id = next(id_of);
  send.seq = static_cast<std::uint64_t>(number());
  send.generation = static_cast<std::uint32_t>(number());
  send.attempt = static_cast<std::uint32_t>(number());
  send.begun = static_cast<std::uint16_t>(number());
  send.not_before = time();
  send.kind = static_cast<SendKind>(number());
  send.at_most_once = number() != 0;
  send.expires =
      next([](const auto& of) { return of.is_null() ? std::nullopt : std::optional(from_ns(number_of(of))); });
  send.order_key = text();
  send.reference = text();
  send.payload = text();
  send.idempotency_key = text();
  send.client_request_id = text();
  send.cancel_on_reply = text();
  send.annotations = text();
  return send;
}

}  // namespace tern::detail::pg

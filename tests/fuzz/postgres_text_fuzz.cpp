// Whatever a row of PostgreSQL holds, and whatever the address of a server is: each is read as it was written, or
// refused. libpqxx and libpq themselves are not instrumented.

#include "connection_string.hpp"
#include "failure.hpp"
#include "field_text.hpp"
#include "fuzz/require.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace tern;              // everything below is Tern's
using namespace tern::detail::pg;  // and of this store
using fuzz::require;

// nullopt when the row was refused, as one that Tern has not written.
template <class Read>
auto unless_refused(Read read) -> std::optional<std::invoke_result_t<Read>> {
  try {
    return read();
  } catch (const Failure& failure) {
    require(failure.kind() == FailureKind::refused, "a field that is odd is no outage");
    return std::nullopt;
  }
}

/// The fields of a row: between line ends, and one that is `\N` is NULL.
template <std::size_t Count>
std::array<FieldText, Count> fields_in(std::string_view bytes) {
  std::array<FieldText, Count> fields;
  for (auto& field : fields) {
    const auto text = bytes.substr(0, bytes.find('\n'));
    bytes.remove_prefix(std::min(bytes.size(), text.size() + 1));
    field = text == "\\N" ? FieldText() : FieldText(text);
  }
  return fields;
}

std::string hex_of(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const char byte : bytes) {
    hex += digits[static_cast<unsigned char>(byte) >> 4];
    hex += digits[static_cast<unsigned char>(byte) & 0xF];
  }
  return hex;
}

std::string hex_of(const SendId& id) {
  return hex_of({reinterpret_cast<const char*>(id.data()), id.size()});
}

void require_named(const SendHandle& handle) {
  require(handle.slot < slot_count, "a send is in a slot that exists");
  require(SendHandle::parse(handle.to_string()) == handle, "what is stored has a handle that can be given back");
}

// All that a row has of a send.
auto kept(const ScheduledSend& send) {
  return std::tie(send.handle, send.seq, send.generation, send.attempt, send.kind, send.order_key, send.reference,
                  send.payload, send.idempotency_key, send.client_request_id, send.cancel_on_reply, send.annotations,
                  send.not_before, send.expires, send.begun, send.at_most_once);
}

// Written again as the server writes a row, it is the same send.
void read_send(std::string_view bytes) {
  const auto fields = fields_in<send_columns>(bytes);
  const auto send = unless_refused([&] { return send_in(fields); });
  if (!send) {
    return;
  }
  require_named(send->handle);
  require(send->kind <= SendKind::continuation, "a send has a kind that exists");
  const auto time = [](WallTime of) { return std::to_string(to_ns(of)); };
  const std::string texts[] = {std::to_string(send->handle.slot),
                               time(send->handle.due),
                               hex_of(send->handle.id),
                               std::to_string(static_cast<std::int64_t>(send->seq)),
                               std::to_string(send->generation),
                               std::to_string(send->attempt),
                               std::to_string(send->begun),
                               time(send->not_before),
                               std::to_string(static_cast<int>(send->kind)),
                               send->at_most_once ? "1" : "0",
                               send->expires ? time(*send->expires) : "",
                               send->order_key,
                               send->reference,
                               send->payload,
                               send->idempotency_key,
                               send->client_request_id,
                               send->cancel_on_reply,
                               send->annotations};
  SendFields written;
  std::copy(std::begin(texts), std::end(texts), written.begin());
  if (!send->expires) {
    written[10] = std::nullopt;
  }
  require(kept(send_in(written)) == kept(*send), "a send is as written");
}

void read_key(std::string_view bytes) {
  const auto fields = fields_in<key_columns>(bytes);
  const auto stored = unless_refused([&] { return stored_key_in(fields); });
  if (!stored) {
    return;
  }
  require_named(stored->key.handle);
  require(stored->moved_to.has_value() == fields[6].has_value(), "a key knows whether its send was moved");
  require(fields[4] || stored->key.digest == SendDigest(), "a key without a digest has none");
}

void read_bytes(std::string_view text) {
  require(bytes_in_hex(hex_of(text)) == text, "bytes are as written");
  if (const auto bytes = unless_refused([text] { return bytes_in_hex(text); })) {
    require(hex_of(*bytes) == text, "bytes have no other text");
  }
  if (const auto id = unless_refused([text] { return id_in(text); })) {
    auto digits = std::string(text);
    std::erase(digits, '-');
    require(hex_of(*id) == digits, "an id has no other digits");
  }
  if (const auto slot = unless_refused([text] { return slot_in(text); })) {
    require(*slot < slot_count, "a slot is one that exists");
  }
}

// What is refused repeats nothing, and what is taken means the same to libpq when it is written anew.
void read_address(std::string_view text) {
  const std::string url(text);
  const auto obstacle = obstacle_of(url);
  try {
    const ConnectionString made(url);
    require(!obstacle, "an address that is refused is refused everywhere");
    const ConnectionString again(made.text());
    require(again.text() == made.text() && again.server() == made.server(), "an address is as written");
    const std::string told = made.redact("before " + made.text() + " behind");
    const bool has_mask = made.text().find('*') != std::string::npos;  // then a secret may be a part of the mask
    require(has_mask || made.redact(told) == told, "what is masked stays so");
  } catch (const boost::system::system_error& error) {
    require(obstacle.has_value() && error.code() == errc::invalid_argument, "an address is refused by its text");
  }
}

constexpr void (*readers[])(std::string_view) = {read_send, read_key, read_bytes, read_address};

}  // namespace

// The first byte says what the others are: `A` stands for the first of `readers`.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0) {
    const auto which = static_cast<std::uint8_t>(data[0] - 'A') % std::size(readers);
    readers[which](std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  }
  return 0;
}

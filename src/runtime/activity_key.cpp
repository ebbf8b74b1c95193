#include "runtime/activity_key.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace tern::runtime {

namespace {

// The bytes of a key: the delivery and the kind of the key, then each text with its length before it, then a digest of
// the content or the moment of the activity, then the caller if there is one. The texts that most activities of a bot
// have in common come first (`KeptAnswer`).
struct Parts {
  explicit Parts(const ActivityKey& key) noexcept
      : texts{key.same.kind,       key.conversation.channel, key.same.bot,
              key.conversation.id, key.same.sender,          key.same.id} {}
  std::array<std::string_view, 6> texts;
};

// Flags beside the delivery in the first byte.
constexpr unsigned token_exchange = 0x80;
constexpr unsigned with_caller = 0x40;
constexpr unsigned with_moment = 0x20;

// A length below this takes one byte, others take five: each remembered answer has these bytes.
constexpr std::size_t long_from = 0xFF;
using Length = std::uint32_t;  // the limit for an activity is far below

std::size_t size_of(std::string_view text) noexcept {
  return 1 + (text.size() < long_from ? 0 : sizeof(Length)) + text.size();
}

char* write(char* into, std::string_view text) noexcept {
  *into++ = static_cast<char>(std::min(text.size(), long_from));
  if (text.size() >= long_from) {
    const auto length = static_cast<Length>(text.size());
    std::memcpy(into, &length, sizeof length);
    into += sizeof length;
  }
  return std::copy(text.begin(), text.end(), into);
}

}  // namespace

ActivityKey::ActivityKey(const ConversationKey& in, const detail::SameActivity& what, Delivery how,
                         const Identity* from) noexcept
    : conversation(in), same(what), delivery(how), caller(from) {
  detail::KeyedHasher hasher;
  same.add_to(hasher);
  if (caller != nullptr) {
    hasher.add({caller->app_id, caller->tenant_id});
  }
  // Last: the processor may still be computing the conversation's hash.
  hasher.add(conversation.hash ^ static_cast<std::uint64_t>(delivery));
  hash = hasher.hash();
}

std::size_t ActivityKey::text_size() const noexcept {
  std::size_t size = 1 + (same.moment ? sizeof(*same.moment) : same.has_content() ? 2 * sizeof(std::uint64_t) : 0);
  for (const auto& text : Parts(*this).texts) {
    size += size_of(text);
  }
  if (caller != nullptr) {
    size += 1 + size_of(caller->app_id) + size_of(caller->tenant_id);
  }
  return size;
}

void ActivityKey::write_text(char* into) const noexcept {
  *into++ = static_cast<char>(static_cast<unsigned>(delivery) | (same.is_token_exchange ? token_exchange : 0U) |
                              (caller != nullptr ? with_caller : 0U) | (same.moment ? with_moment : 0U));
  for (const auto& text : Parts(*this).texts) {
    into = write(into, text);
  }
  if (same.moment) {
    std::memcpy(into, &*same.moment, sizeof *same.moment);
    into += sizeof *same.moment;
  } else if (same.has_content()) {
    std::memcpy(into, &same.content_high, sizeof same.content_high);
    std::memcpy(into + sizeof same.content_high, &same.content_low, sizeof same.content_low);
    into += sizeof same.content_high + sizeof same.content_low;
  }
  if (caller != nullptr) {
    *into++ = static_cast<char>(caller->kind);
    write(write(into, caller->app_id), caller->tenant_id);
  }
}

std::string ActivityKey::text() const {
  std::string bytes(text_size(), '\0');
  write_text(bytes.data());
  return bytes;
}

}  // namespace tern::runtime

#include "runtime/activity_key.hpp"

#include <array>
#include <cstring>
#include <string_view>

namespace tern::runtime {

namespace {

// Its bytes: the delivery and what kind of key it is, then each text with its length before it, then the content of
// what has no timestamp.
struct Parts {
  explicit Parts(const ActivityKey& key) noexcept
      : texts{key.conversation.channel, key.conversation.id, key.same.bot, key.same.sender, key.same.kind, key.same.id,
              key.same.timestamp} {}
  std::array<std::string_view, 7> texts;
};

using Length = std::uint32_t;  // an activity has a bound far below

}  // namespace

ActivityKey::ActivityKey(const ConversationKey& in, const detail::SameActivity& what, Delivery how) noexcept
    : conversation(in), same(what), delivery(how) {
  detail::KeyedHasher hasher;
  hasher.add(conversation.hash ^ static_cast<std::uint64_t>(delivery));
  same.add_to(hasher);
  hash = hasher.hash();
}

std::size_t ActivityKey::text_size() const noexcept {
  std::size_t size = 1 + (same.has_content() ? 2 * sizeof(std::uint64_t) : 0);
  for (const auto& text : Parts(*this).texts) {
    size += sizeof(Length) + text.size();
  }
  return size;
}

void ActivityKey::write_text(char* into) const noexcept {
  *into++ = static_cast<char>(static_cast<unsigned>(delivery) | (same.is_token_exchange ? 0x80U : 0U));
  for (const auto& text : Parts(*this).texts) {
    const auto length = static_cast<Length>(text.size());
    std::memcpy(into, &length, sizeof length);
    into += sizeof length;
    if (!text.empty()) {
      std::memcpy(into, text.data(), text.size());
      into += text.size();
    }
  }
  if (same.has_content()) {
    std::memcpy(into, &same.content_high, sizeof same.content_high);
    std::memcpy(into + sizeof same.content_high, &same.content_low, sizeof same.content_low);
  }
}

std::string ActivityKey::text() const {
  std::string bytes(text_size(), '\0');
  write_text(bytes.data());
  return bytes;
}

}  // namespace tern::runtime

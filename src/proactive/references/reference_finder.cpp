#include "proactive/references/reference_finder.hpp"

#include "proactive/references/gone_references.hpp"
#include "turn/conversation_kind.hpp"
#include "turn/keys.hpp"

#include <tern/schema/parse.hpp>

#include <charconv>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::proactive {

namespace {

std::uint64_t etag_number(const std::string& etag) {
  std::uint64_t number = 0;
  std::from_chars(etag.data(), etag.data() + etag.size(), number);
  return number;
}

std::optional<json::object> object_of(const StoreItem* item) {
  auto parsed = item != nullptr ? std::optional(parse_json(item->document)) : std::nullopt;
  if (!parsed || !*parsed || !(*parsed)->is_object()) {
    return std::nullopt;
  }
  return std::move((*parsed)->as_object());
}

std::optional<ConversationReference> reference_of(const StoreItem* item) {
  auto fields = object_of(item);
  if (!fields || is_gone(*fields)) {
    return std::nullopt;
  }
  return ConversationReference(std::move(*fields));
}

bool is_personal(const ConversationReference& reference) {
  const auto* conversation = reference.json().if_contains("conversation");
  return conversation != nullptr && conversation->is_object() && detail::is_personal(conversation->get_object());
}

// The key of the reference that a note of the last conversation leads to; "" without one.
std::string led_to(const StoreItem* note, const std::string& bot, const std::string& channel, const std::string& user) {
  const auto fields = object_of(note);
  const auto* conversation = fields ? fields->if_contains("conversation") : nullptr;
  return conversation != nullptr && conversation->is_string()
             ? detail::reference_key(bot, channel, user, std::string_view(conversation->get_string()))
             : std::string();
}

struct Found {
  std::optional<ConversationReference> reference;
  std::uint64_t written = 0;

  void take(ConversationReference other, std::uint64_t when) {
    if (!reference || when >= written) {
      reference = std::move(other);
      written = when;
    }
  }
};

// The latest of all references: for references of versions that noted no last conversation, and for users whose last
// conversation is gone.
awaitable<std::optional<ConversationReference>> find_by_scan(AnyStorage storage, std::string prefix,
                                                             std::optional<ConversationReference> last_other,
                                                             Deadline by) {
  StoreScan scan(std::move(prefix), 1000);
  Found personal;
  Found other;
  do {
    auto page = co_await storage.scan(scan, by);
    for (const auto& item : page.items) {
      if (auto reference = reference_of(&item)) {
        auto& kind = is_personal(*reference) ? personal : other;
        kind.take(std::move(*reference), etag_number(item.etag));
      }
    }
    scan.after = page.next;
  } while (!scan.after.empty());
  co_return personal.reference ? std::move(personal.reference)
  : last_other                 ? std::move(last_other)
                               : std::move(other.reference);
}

}  // namespace

awaitable<std::optional<ConversationReference>> find_reference(AnyStorage storage, std::string key, Deadline by) {
  std::vector<std::string> keys{key};
  const auto items = co_await storage.read(std::move(keys), by);
  co_return reference_of(items.find(key));
}

awaitable<std::optional<ConversationReference>> find_last_reference(AnyStorage storage, std::string bot,
                                                                    std::string channel, std::string user,
                                                                    Deadline by) {
  const auto of_personal = detail::last_conversation_key(bot, channel, user, true);
  const auto of_others = detail::last_conversation_key(bot, channel, user, false);
  std::vector<std::string> keys{of_personal, of_others};
  const auto notes = co_await storage.read(std::move(keys), by);
  std::optional<ConversationReference> last_other;
  for (const auto* note : {&of_personal, &of_others}) {
    auto key = led_to(notes.find(*note), bot, channel, user);
    if (key.empty()) {
      continue;
    }
    auto found = co_await find_reference(storage, std::move(key), by);
    if (found && note == &of_personal) {
      co_return found;
    }
    last_other = std::move(found);
  }
  auto found = co_await find_by_scan(std::move(storage), detail::reference_prefix(bot, channel, user),
                                     std::move(last_other), by);
  co_return found;
}

}  // namespace tern::proactive

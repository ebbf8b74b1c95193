#include <tern/schema/entity.hpp>

namespace tern {

std::optional<Mention> Entity::as_mention() const {
  return type() == Mention::type_name ? std::optional<Mention>(Mention(json())) : std::nullopt;
}

Mention::Mention(ChannelAccount mentioned, std::string_view text) : Mention() {
  set_object("mentioned", std::move(mentioned));
  set("text", text);
}

}  // namespace tern

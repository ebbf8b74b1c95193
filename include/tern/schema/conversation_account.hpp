#pragma once

#include <tern/schema/json_object.hpp>

namespace tern {

/// A conversation, as one channel knows it.
/// Source: Activity Protocol, "Conversation account".
class ConversationAccount : public JsonObject {
 public:
  /// Without members.
  ConversationAccount() = default;
  /// Takes `fields` as they are: nothing is checked.
  explicit ConversationAccount(json::object fields) noexcept : JsonObject(std::move(fields)) {}
  /// A conversation with this id.
  explicit ConversationAccount(std::string_view id) { set_id(id); }

  ///@{
  /// The member of this name; nullopt when it is absent.
  std::optional<std::string_view> id() const noexcept { return string_at("id"); }
  std::optional<std::string_view> name() const noexcept { return string_at("name"); }
  ///@}
  /// Whether the conversation has more than two participants. Channels leave it out when it has two.
  std::optional<bool> is_group() const noexcept { return bool_at("isGroup"); }
  /// See `conversation_types`.
  std::optional<std::string_view> conversation_type() const noexcept { return string_at("conversationType"); }
  ///@{
  /// The member of this name, in the protocol's camelCase; nullopt when it is absent.
  std::optional<std::string_view> tenant_id() const noexcept { return string_at("tenantId"); }
  std::optional<std::string_view> aad_object_id() const noexcept { return string_at("aadObjectId"); }
  std::optional<std::string_view> role() const noexcept { return string_at("role"); }
  ///@}

  ///@{
  /// Sets the member of this name, in the protocol's camelCase.
  ConversationAccount& set_id(std::string_view value) { return put("id", value); }
  ConversationAccount& set_name(std::string_view value) { return put("name", value); }
  ConversationAccount& set_is_group(bool value) {
    set("isGroup", value);
    return *this;
  }
  ConversationAccount& set_conversation_type(std::string_view value) { return put("conversationType", value); }
  ConversationAccount& set_tenant_id(std::string_view value) { return put("tenantId", value); }
  ConversationAccount& set_aad_object_id(std::string_view value) { return put("aadObjectId", value); }
  ConversationAccount& set_role(std::string_view value) { return put("role", value); }
  ///@}

 private:
  ConversationAccount& put(std::string_view name, std::string_view value) {
    set(name, value);
    return *this;
  }
};

}  // namespace tern

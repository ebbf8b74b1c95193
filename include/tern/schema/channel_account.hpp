#pragma once

#include <tern/schema/json_object.hpp>

namespace tern {

/// A user or a bot, as one channel knows them.
/// Source: Activity Protocol, "Channel account".
class ChannelAccount : public JsonObject {
 public:
  /// Without members.
  ChannelAccount() = default;
  /// Takes `fields` as they are: nothing is checked.
  explicit ChannelAccount(json::object fields) noexcept : JsonObject(std::move(fields)) {}
  ///@{
  /// An account with these members.
  explicit ChannelAccount(std::string_view id) { set_id(id); }
  ChannelAccount(std::string_view id, std::string_view name) { set_id(id).set_name(name); }
  ///@}

  ///@{
  /// The member of this name; nullopt when it is absent.
  std::optional<std::string_view> id() const noexcept { return string_at("id"); }
  std::optional<std::string_view> name() const noexcept { return string_at("name"); }
  ///@}
  /// The object id in Azure Active Directory.
  std::optional<std::string_view> aad_object_id() const noexcept { return string_at("aadObjectId"); }
  /// See `roles`.
  std::optional<std::string_view> role() const noexcept { return string_at("role"); }

  ///@{
  /// Sets the member of this name, in the protocol's camelCase.
  ChannelAccount& set_id(std::string_view value) { return put("id", value); }
  ChannelAccount& set_name(std::string_view value) { return put("name", value); }
  ChannelAccount& set_aad_object_id(std::string_view value) { return put("aadObjectId", value); }
  ChannelAccount& set_role(std::string_view value) { return put("role", value); }
  ///@}

 private:
  ChannelAccount& put(std::string_view name, std::string_view value) {
    set(name, value);
    return *this;
  }
};

}  // namespace tern

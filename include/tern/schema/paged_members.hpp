#pragma once

#include <tern/schema/channel_account.hpp>

namespace tern {

/// A page of the members of a conversation.
/// Source: Bot Connector API, "PagedMembersResult".
class PagedMembers : public JsonObject {
 public:
  PagedMembers() = default;
  explicit PagedMembers(json::object fields) noexcept : JsonObject(std::move(fields)) {}

  std::vector<ChannelAccount> members() const { return list_at<ChannelAccount>("members"); }
  /// What to ask for the next page with; absent on the last.
  std::optional<std::string_view> continuation_token() const noexcept { return string_at("continuationToken"); }

  PagedMembers& set_members(std::vector<ChannelAccount> values) {
    set_list("members", std::move(values));
    return *this;
  }
  PagedMembers& set_continuation_token(std::string_view value) {
    set("continuationToken", value);
    return *this;
  }
};

}  // namespace tern

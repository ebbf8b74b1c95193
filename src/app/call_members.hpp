#pragma once

#include <tern/schema/json_object.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tern::app {

/// The body of a request is not one that its path accepts. The message is for the sender of the request.
class BadCall : public std::runtime_error {
 public:
  BadCall(std::string code, std::string message)
      : std::runtime_error(message), code_(std::move(code)), message_(std::move(message)) {}
  /// One of the protocol's error codes.
  const std::string& code() const noexcept { return code_; }
  /// The whole message. `what()` would end at a NUL, which a sender may write into a name.
  const std::string& message() const noexcept { return message_; }

 private:
  std::string code_;
  std::string message_;
};

/// Errors: throws `BadCall` with the code `BadArgument`.
[[noreturn]] void refuse_argument(const std::string& message);

/// The sentences about a name that is not among `known`: which name may be meant, and which names there are.
std::string unknown_name(std::string_view name, const std::vector<std::string_view>& known);

/// The members of an object in a request. Members that are not known are refused first, so that a misspelt name is
/// reported as misspelt, and not as missing.
class CallMembers {
 public:
  /// `where`: a prefix of names in messages. Lifetime: `fields` outlives this.
  /// Errors: `BadCall` for a member that is not known.
  CallMembers(json::object& fields, const std::vector<std::string_view>& known, std::string where = {});

  bool has(std::string_view name) const { return fields_.contains(name); }
  /// nullptr when it is absent or null.
  json::value* find(std::string_view name);
  // Errors: `BadCall` when the member has another type, or is an empty text.
  std::optional<std::string> text(std::string_view name);
  bool flag(std::string_view name);
  json::object* object(std::string_view name);

 private:
  json::object& fields_;
  std::string where_;
};

}  // namespace tern::app

#pragma once

#include <tern/schema/json_object.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tern::app {

/// A body that is not what the path takes. The message is for the sender.
class BadCall : public std::runtime_error {
 public:
  BadCall(std::string code, std::string message)
      : std::runtime_error(message), code_(std::move(code)), message_(std::move(message)) {}
  /// One of the protocol's error codes.
  const std::string& code() const noexcept { return code_; }
  /// The whole message. `what()` ends at a NUL that the sender has put into a name.
  const std::string& message() const noexcept { return message_; }

 private:
  std::string code_;
  std::string message_;
};

/// Errors: throws `BadCall` with the code `BadArgument`.
[[noreturn]] void refuse_argument(const std::string& message);

/// The sentences on a name that is none of `known`: which one may be meant, and which there are.
std::string unknown_name(std::string_view name, const std::vector<std::string_view>& known);

/// The members of an object of a request, each asked for by name. There may be no others, whatever else is wrong: a
/// name with a slip in it is told as such, and not as one that is missing.
class CallMembers {
 public:
  /// `where`: goes before a name in messages. Lifetime: `fields` outlives this.
  /// Errors: `BadCall` for a member that is not known.
  CallMembers(json::object& fields, const std::vector<std::string_view>& known, std::string where = {});

  bool has(std::string_view name) const { return fields_.contains(name); }
  /// nullptr when it is absent or null.
  json::value* find(std::string_view name);
  // Errors: `BadCall` when it is of another kind, or an empty text.
  std::optional<std::string> text(std::string_view name);
  bool flag(std::string_view name);
  json::object* object(std::string_view name);

 private:
  json::object& fields_;
  std::string where_;
};

}  // namespace tern::app

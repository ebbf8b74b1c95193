#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tern::direct_line {

/// The secrets of Direct Line. The first one signs; all of them are accepted, so that a secret can be replaced while
/// tokens of the old one are still in use.
///
/// Thread safety: all functions from any thread.
class Secrets {
 public:
  /// Preconditions: at least one secret.
  explicit Secrets(std::vector<std::string> secrets) : secrets_(std::move(secrets)) {}

  /// Reads a list with commas between the secrets. Blanks around a secret do not count.
  static std::vector<std::string> parse(std::string_view listed);
  /// Whether each secret of the list may be one: 16 to 1,024 printable characters of ASCII without spaces. An empty
  /// list may be one too.
  static bool is_list(std::string_view listed);

  /// Whether `given` is one of the secrets. It takes the same time for every text of a length.
  bool knows(std::string_view given) const;

  const std::vector<std::string>& all() const noexcept { return secrets_; }

 private:
  std::vector<std::string> secrets_;
};

/// Signs texts for one purpose, and knows its own signatures again.
///
/// Thread safety: all functions from any thread.
class Seal {
 public:
  /// The keys are made of the secrets and `purpose`, so a signature for one purpose is none for another.
  Seal(const Secrets& secrets, std::string_view purpose);

  /// The signature of a text, as base64url (HMAC-SHA-256).
  std::string sign(std::string_view text) const;
  /// Whether this is the signature of the text, by any of the secrets. It takes the same time for every signature.
  bool is_signed(std::string_view text, std::string_view signature) const;

 private:
  std::vector<std::string> keys_;
};

}  // namespace tern::direct_line

#include "direct_line/secrets.hpp"

#include "auth/base64url.hpp"

#include <tern/error.hpp>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace tern::direct_line {

namespace {

constexpr std::size_t digest_bytes = 32;
constexpr std::size_t shortest_secret = 16;
constexpr std::size_t longest_secret = 1024;

const unsigned char* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string hmac(std::string_view key, std::string_view text) {
  std::string digest(digest_bytes, '\0');
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(text), text.size(),
           reinterpret_cast<unsigned char*>(digest.data()), &size) == nullptr) {
    throw_error(errc::overloaded, "OpenSSL could not sign a text of Direct Line.");
  }
  return digest;
}

bool same(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool is_secret(std::string_view text) {
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
  return printable && text.size() >= shortest_secret && text.size() <= longest_secret;
}

}  // namespace

std::vector<std::string> Secrets::parse(std::string_view listed) {
  std::vector<std::string> secrets;
  while (!listed.empty()) {
    const auto comma = std::min(listed.find(','), listed.size());
    auto one = listed.substr(0, comma);
    listed.remove_prefix(std::min(comma + 1, listed.size()));
    const auto begin = one.find_first_not_of(' ');
    if (begin != std::string_view::npos) {
      secrets.emplace_back(one.substr(begin, one.find_last_not_of(' ') + 1 - begin));
    }
  }
  return secrets;
}

bool Secrets::is_list(std::string_view listed) {
  const auto secrets = parse(listed);
  // Commas alone are a slip, and nobody's wish for a secret that is made.
  const bool has_any = listed.empty() || !secrets.empty();
  return has_any && std::all_of(secrets.begin(), secrets.end(), is_secret);
}

bool Secrets::knows(std::string_view given) const {
  // Digests have one length, so the comparison does not tell how long a secret is.
  const auto digest = hmac("secret of direct line", given);
  bool known = false;
  for (const auto& secret : secrets_) {
    known = same(digest, hmac("secret of direct line", secret)) || known;
  }
  return known;
}

Seal::Seal(const Secrets& secrets, std::string_view purpose) {
  for (const auto& secret : secrets.all()) {
    keys_.push_back(hmac(secret, "tern direct line 1: " + std::string(purpose)));
  }
}

std::string Seal::sign(std::string_view text) const {
  return auth::encode_base64url(hmac(keys_.front(), text));
}

bool Seal::is_signed(std::string_view text, std::string_view signature) const {
  const auto given = auth::decode_base64url(signature);
  if (!given || given->size() != digest_bytes) {
    return false;
  }
  bool good = false;
  for (const auto& key : keys_) {
    good = same(*given, hmac(key, text)) || good;
  }
  return good;
}

}  // namespace tern::direct_line

#include "tools/storage/digest.hpp"

#include "tools/storage/tool_error.hpp"

#include <openssl/evp.h>

#include <array>
#include <cctype>
#include <charconv>
#include <new>

namespace tern::tools {

namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

Context new_context() {
  Context context(EVP_MD_CTX_new());
  if (!context) {
    throw std::bad_alloc();
  }
  return context;
}

std::string finish(EVP_MD_CTX* context) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned size = 0;
  if (EVP_DigestFinal_ex(context, sum.data(), &size) != 1) {
    throw ToolError("OpenSSL cannot compute a SHA-256.");
  }
  return to_hex({reinterpret_cast<const char*>(sum.data()), size});
}

}  // namespace

struct Digest::State {
  Context context = new_context();
  std::uint64_t documents = 0;
  std::uint64_t bytes = 0;

  void update(std::string_view text) {
    if (EVP_DigestUpdate(context.get(), text.data(), text.size()) != 1) {
      throw ToolError("OpenSSL cannot compute a SHA-256.");
    }
  }
  void update_with_length(std::string_view text) {
    std::array<char, 8> length{};
    for (std::size_t i = 0; i < length.size(); ++i) {
      length[i] = static_cast<char>((static_cast<std::uint64_t>(text.size()) >> (8 * (7 - i))) & 0xff);
    }
    update({length.data(), length.size()});
    update(text);
  }
};

Digest::Digest() : state_(std::make_unique<State>()) {
  if (EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) != 1) {
    throw ToolError("OpenSSL cannot compute a SHA-256.");
  }
}
Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

void Digest::add(std::string_view key, std::string_view document) {
  state_->update_with_length(key);
  state_->update_with_length(document);
  ++state_->documents;
  state_->bytes += key.size() + document.size();
}

Totals Digest::totals() const {
  const auto copy = new_context();
  if (EVP_MD_CTX_copy_ex(copy.get(), state_->context.get()) != 1) {
    throw ToolError("OpenSSL cannot compute a SHA-256.");
  }
  return {state_->documents, state_->bytes, finish(copy.get())};
}

std::string sha256_hex(std::string_view bytes) {
  const auto context = new_context();
  if (EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) != 1) {
    throw ToolError("OpenSSL cannot compute a SHA-256.");
  }
  return finish(context.get());
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex += digits[byte >> 4];
    hex += digits[byte & 15];
  }
  return hex;
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  bytes.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    unsigned char byte = 0;
    const auto pair = hex.substr(i, 2);
    const auto [end, error] = std::from_chars(pair.data(), pair.data() + pair.size(), byte, 16);
    if (error != std::errc() || pair.size() != 2 || end != pair.data() + 2) {
      throw ToolError("\"" + std::string(pair) + "\" is no pair of hexadecimal digits.");
    }
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

}  // namespace tern::tools

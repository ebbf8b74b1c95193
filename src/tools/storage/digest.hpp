#pragma once

#include <tern/storage/types.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tern::tools {

/// The content of a store, in figures that are the same on every backend. eTags are not in them: each store gives its
/// own.
struct Totals {
  std::uint64_t documents = 0;
  std::uint64_t bytes = 0;  ///< keys and documents
  std::string sha256;       ///< in hex

  friend bool operator==(const Totals&, const Totals&) = default;
};

/// Adds up documents. They come in the byte order of their keys; for each the digest takes the key's length (8 bytes,
/// the highest first), the key, the document's length and the document.
class Digest {
 public:
  Digest();
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;

  void add(std::string_view key, std::string_view document);
  /// Of all that was added so far.
  Totals totals() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view bytes);
std::string to_hex(std::string_view bytes);
/// Errors: `ToolError` when `hex` is no hexadecimal text.
std::string from_hex(std::string_view hex);

}  // namespace tern::tools

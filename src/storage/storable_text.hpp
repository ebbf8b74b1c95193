#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tern::detail {

/// Whether every store can keep a text: UTF-8 as PostgreSQL accepts it, without NUL.
bool is_storable_text(std::string_view text) noexcept;

/// The text with a question mark for each byte that cannot be stored, cut after a whole character to at most `most`
/// bytes. It is for texts that only people read: the text of an exception may have any bytes.
std::string storable_text(std::string_view text, std::size_t most);

/// Why a send is dead, as a store keeps it.
inline std::string stored_reason(std::string_view reason) {
  constexpr std::size_t most = 512;
  return storable_text(reason, most);
}

}  // namespace tern::detail

#pragma once

#include <cstddef>
#include <string>

/// The same keys and documents for our stores and for the libraries alone.
namespace bench {

inline constexpr std::size_t documents_each = 16;  ///< for each of the concurrent turns

inline std::string document_key(std::size_t turn, std::size_t number) {
  return "local/emulator/conversations/conversation-" + std::to_string(turn) + "/users/" +
         std::to_string(number % documents_each);
}

inline std::string document_text(std::size_t number) {
  return "{\"messages\":" + std::to_string(number) + ",\"profile\":\"" + std::string(200, 'x') + "\"}";
}

}  // namespace bench

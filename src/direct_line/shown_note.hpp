#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tern::direct_line {

/// A note for other processes: an activity that is only shown, such as typing.
struct ShownNote {
  std::uint64_t after = 0;    ///< the number of the last activity that was stored before; it is over with the next one
  std::string_view activity;  ///< as JSON
};

/// The text of a note.
std::string write_note(const ShownNote& note);
/// nullopt when the text is none of these: another version of Tern may have written it.
/// Lifetime: the text outlives the note.
std::optional<ShownNote> read_note(std::string_view text);

}  // namespace tern::direct_line

#include "direct_line/shown_note.hpp"

#include <tern/schema/parse.hpp>

#include <charconv>

namespace tern::direct_line {

std::string write_note(const ShownNote& note) {
  return std::to_string(note.after).append(" ").append(note.activity);
}

std::optional<ShownNote> read_note(std::string_view text) {
  ShownNote note;
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, note.after);
  if (error != std::errc() || rest == end || *rest != ' ') {
    return std::nullopt;
  }
  note.activity = std::string_view(rest + 1, end);
  // Clients read it as a part of a frame.
  const auto value = parse_json(note.activity);
  return value && value->is_object() ? std::optional(note) : std::nullopt;
}

}  // namespace tern::direct_line

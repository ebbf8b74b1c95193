#pragma once

#include <boost/json/object.hpp>

#include <string>

namespace tern::detail {

/// An empty string that has the memory of a text that this thread has kept, if there is one. Allocating one long text
/// costs more than allocating all short texts of a turn.
/// Thread safety: any thread; each thread has texts of its own.
std::string spare_text() noexcept;
/// Keeps the memory of a text that is no longer needed, for `spare_text` on this thread, or frees it.
void keep_text(std::string text) noexcept;

/// Appends the JSON of `object`, without a temporary string.
void append_json(std::string& text, const boost::json::object& object);

}  // namespace tern::detail

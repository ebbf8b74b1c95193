#pragma once

#include <boost/json/object.hpp>

#include <string>

namespace tern::detail {

/// An empty string with the memory of one that this thread has kept, if any: a long text costs the heap more than all
/// the short ones of a turn.
/// Thread safety: any thread, each with texts of its own.
std::string spare_text() noexcept;
/// Keeps the memory of a text that nobody needs any more, for `spare_text` on this thread; or frees it.
void keep_text(std::string text) noexcept;

/// Appends the JSON of `object`, without a text in between.
void append_json(std::string& text, const boost::json::object& object);

}  // namespace tern::detail

#pragma once

#include "http/request.hpp"

#include <cstddef>
#include <span>

namespace tern::http {

/// Takes the plain lines out of a head, so that Beast reads the others alone. Beast looks at each byte of a value in
/// turn, and a token has more than a thousand: that was half of what a known token cost.
///
/// `input` begins with a request line. The fields of the plain lines are added to `request`, and the other lines move
/// to the end of the head. Returns how many bytes at the beginning of `input` are free then; 0 where nothing was taken.
///
/// A line is plain when its name is made of letters, digits, `-` and `_`, its value has no control character but tabs,
/// it ends with CR LF and is not continued, and neither Beast nor `HeadRules` has to know it. A head is left as it is
/// when it is not whole, has very many lines, or has a line that could be read in two ways: what becomes of such a
/// head, Beast alone decides.
std::size_t take_plain_lines(std::span<char> input, Request& request);

}  // namespace tern::http

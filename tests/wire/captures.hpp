#pragma once

#include "wire/capture_reader.hpp"

#include <cstddef>
#include <iosfwd>
#include <string>
#include <vector>

namespace tern::wire {

/// A file of the captures' folder.
/// Errors: `std::runtime_error`.
std::string read_capture_file(const std::string& name);

/// Every request of the captures that a bot receives, in the order of the files.
const std::vector<Capture>& all_captures();

/// The capture of this name.
/// Errors: `std::runtime_error`.
const Capture& capture_named(const std::string& name);

/// How many requests that a bot receives the files hold, counted without understanding them.
std::size_t count_requests_in_files();

/// For GoogleTest: the name.
void PrintTo(const Capture& capture, std::ostream* out);

}  // namespace tern::wire

#pragma once

#include "wire/replay.hpp"

#include <span>
#include <string_view>

namespace tern::wire {

/// A captured answer that the protocol wants otherwise. The bot is to answer `status` with `body` and to send nothing.
struct Difference {
  std::string_view capture;  ///< the capture's name
  unsigned status;
  Expectation::Body body;
  bool allow;               ///< the header Allow is due
  std::string_view reason;  ///< the sentence of protocol.md
};

/// All answers that differ as a whole. Differences in one member are in replay.cpp, where they are made.
std::span<const Difference> differences() noexcept;

/// nullptr when the capture's answer stands.
const Difference* difference_of(std::string_view capture) noexcept;

}  // namespace tern::wire

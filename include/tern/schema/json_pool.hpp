#pragma once

#include <boost/json/storage_ptr.hpp>

namespace tern::detail {

/// The memory of activities and documents: small blocks, kept for reuse by the thread that frees them.
///
/// A turn makes and frees some hundred JSON values, and the C library's allocator, whose thread cache holds seven
/// blocks of a size, was a quarter of its cost. Unlike a pool for each turn, values may outlive everything and be
/// freed on any thread, so that a bot may keep what it copies out of an activity. Bounded: a thread keeps at most
/// 256 blocks of each size up to 512 bytes.
///
/// Thread safety: any thread. The pool lives as long as the program.
boost::json::storage_ptr json_pool() noexcept;

}  // namespace tern::detail

#pragma once

#include "storage/figures.hpp"

#include <tern/storage/any_storage.hpp>

#include <cstddef>

namespace bench {

enum class Op : bool { read, write };

/// Runs `concurrent` coroutines on one shard, under the eyes of its watchdog, each reading or writing one document
/// after the other; writes expect the eTag of the last one, as a turn's do. The store is open and has been filled.
OpFigures measure_ops(tern::AnyStorage store, Op op, std::size_t concurrent, double seconds);

/// Writes what `measure_ops` reads and writes.
void fill(tern::AnyStorage store, std::size_t concurrent);

}  // namespace bench

#pragma once

#include <tern/async/deadline.hpp>
#include <tern/storage/any_storage.hpp>

#include <string>

namespace tern::direct_line {

/// The secret that is kept in the store. The first process makes it; all processes have the same one, and so has the
/// next one. Errors: those of the store.
awaitable<std::string> kept_secret(AnyStorage storage, Deadline by);

}  // namespace tern::direct_line

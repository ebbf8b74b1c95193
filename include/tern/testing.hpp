#pragma once

/// All that tests of a bot need; link `tern::testing`. The names are in `tern::test`: a namespace `testing` inside
/// `tern` would hide GoogleTest's.

#include <tern/testing/channel.hpp>
#include <tern/testing/mismatch.hpp>
#include <tern/testing/store.hpp>
#include <tern/testing/user.hpp>
#include <tern/testing/world.hpp>

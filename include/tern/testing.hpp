#pragma once

/// @file
/// Everything that tests of a bot need; link `tern::testing`. The names are in `tern::test`, because a namespace
/// `tern::testing` would hide GoogleTest's `testing`.

#include <tern/testing/channel.hpp>
#include <tern/testing/mismatch.hpp>
#include <tern/testing/store.hpp>
#include <tern/testing/user.hpp>
#include <tern/testing/world.hpp>

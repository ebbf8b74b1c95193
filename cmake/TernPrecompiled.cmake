# Two precompiled headers that every target of the same kind shares: tern_pch for libraries and examples, and
# tern_pch_tests with GoogleTest in it, which like the tests is not optimised. Measured with clang 19: a small coroutine
# source takes 3.7 s without and 1.8 s with tern_pch, a test 5.5 s without and 2.4 s with tern_pch_tests; making one costs
# 4 s, once.
# They hold nothing of Tern, so that a change in a header of ours does not rebuild everything.
# tests/headers compiles every header that is installed without them: there they cannot hide a missing include.

set(TERN_PCH_HEADERS
  <boost/asio/any_io_executor.hpp>
  <boost/asio/awaitable.hpp>
  <boost/asio/co_spawn.hpp>
  <boost/asio/deferred.hpp>
  <boost/asio/dispatch.hpp>
  <boost/asio/io_context.hpp>
  <boost/asio/ip/tcp.hpp>
  <boost/asio/post.hpp>
  <boost/asio/steady_timer.hpp>
  <boost/asio/this_coro.hpp>
  <boost/json.hpp>
  <boost/system/system_error.hpp>
  <algorithm> <chrono> <functional> <map> <memory> <optional> <string> <string_view> <unordered_map> <utility>
  <vector>)

function(tern_add_precompiled name)
  file(WRITE "${PROJECT_BINARY_DIR}/${name}.cpp.in" "// Gives ${name} a language.\n")
  configure_file("${PROJECT_BINARY_DIR}/${name}.cpp.in" "${PROJECT_BINARY_DIR}/${name}.cpp" COPYONLY)
  add_library(${name} OBJECT "${PROJECT_BINARY_DIR}/${name}.cpp")
  target_link_libraries(${name} PRIVATE tern_boost tern_warnings)
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # Without the time in it, the same header is the same file again, and ccache finds what was compiled with it.
    target_compile_options(${name} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
  target_precompile_headers(${name} PRIVATE ${ARGN})
endfunction()

if(TERN_PRECOMPILE)
  tern_add_precompiled(tern_pch ${TERN_PCH_HEADERS})
  if(TERN_BUILD_TESTS)
    tern_add_precompiled(tern_pch_tests <gmock/gmock.h> <gtest/gtest.h> ${TERN_PCH_HEADERS})
    target_link_libraries(tern_pch_tests PRIVATE GTest::gmock)
    tern_compile_quickly(tern_pch_tests)
  endif()
endif()

# tern_use_precompiled(TARGET PCH): no effect when there is none. All code is compiled with -fPIC, programs too,
# because a precompiled header fits one model only.
function(tern_use_precompiled target pch)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${target} PRIVATE -fPIC)
  if(TARGET ${pch})
    target_precompile_headers(${target} REUSE_FROM ${pch})
  endif()
endfunction()

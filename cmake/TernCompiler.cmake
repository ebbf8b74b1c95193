# The compilers that translate coroutines correctly, and the flags every target shares.
include(${CMAKE_CURRENT_LIST_DIR}/TernRefuseGcc12.cmake)

# What follows sets defaults for the whole tree, so it is left to the parent when Tern is a part of one.
if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_CXX_STANDARD 20)
  set(CMAKE_CXX_STANDARD_REQUIRED ON)
  set(CMAKE_CXX_EXTENSIONS OFF)
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug or RelWithDebInfo" FORCE)
  endif()
endif()

add_library(tern_warnings INTERFACE)
target_compile_options(tern_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                                               -Woverloaded-virtual -Wconversion -Wno-sign-conversion)
if(TERN_WERROR)
  target_compile_options(tern_warnings INTERFACE -Werror)
endif()

set(TERN_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined or thread")
if(TERN_SANITIZE)
  add_compile_options(-fsanitize=${TERN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TERN_SANITIZE})
endif()

# ccache takes a precompiled header only when told that the macros it defines do not matter to it.
find_program(TERN_CCACHE ccache)
if(TERN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros "${TERN_CCACHE}")
endif()
find_program(TERN_LLD NAMES ld.lld-19 ld.lld)
if(TERN_LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND PROJECT_IS_TOP_LEVEL)
  add_link_options(--ld-path=${TERN_LLD})
endif()

# tern_compile_quickly(TARGET): what a test itself does need not be fast, and without optimisation clang compiles it in
# half the time, with a sanitizer in less. What is tested is optimised as always, but for inline functions of headers
# that the test uses too, of which the linker may take the test's.
function(tern_compile_quickly target)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_compile_options(${target} PRIVATE -O0)
  endif()
endfunction()

# Part of the build and of the installed package: a user's coroutines are compiled with the user's compiler.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "GCC ${CMAKE_CXX_COMPILER_VERSION} miscompiles coroutines: temporaries and capturing lambdas in an "
    "expression with co_await are destroyed twice, and `c ? co_await a() : b` uses freed memory. "
    "Use clang 16 or later (Debian 12: apt-get install clang-19, then -DCMAKE_CXX_COMPILER=clang++-19, "
    "or a preset of CMakePresets.json), or GCC 13 or later.")
endif()

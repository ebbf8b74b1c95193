option(TERN_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(TERN_BUILD_BENCH "Build the benchmarks" ${PROJECT_IS_TOP_LEVEL})
option(TERN_BUILD_EXAMPLES "Build the example bots" ${PROJECT_IS_TOP_LEVEL})
option(TERN_WERROR "Treat warnings as errors" OFF)

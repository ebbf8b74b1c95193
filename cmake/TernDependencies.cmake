# Found once, here, for every folder. tern-config.cmake.in repeats those that a user's program links.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(boost_url 1.81 REQUIRED CONFIG)
find_package(OpenSSL REQUIRED)
find_package(prometheus-cpp REQUIRED CONFIG)  # Tern uses core only
find_package(date REQUIRED CONFIG)            # time zones: those of std::chrono are not in Debian 12's libstdc++
find_package(CLI11 REQUIRED)                  # headers only, used by the app's sources
find_package(PkgConfig REQUIRED)
pkg_check_modules(TERN_CARES REQUIRED IMPORTED_TARGET GLOBAL libcares)  # Debian's c-ares has no CMake package

if(TERN_WITH_ROCKSDB)
  find_package(RocksDB REQUIRED CONFIG)       # RocksDB::rocksdb-shared
endif()
if(TERN_WITH_POSTGRES)                        # Debian's libpqxx has no CMake package
  pkg_check_modules(TERN_PQXX REQUIRED IMPORTED_TARGET GLOBAL libpqxx libpq)
endif()
if(TERN_BUILD_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
if(TERN_BUILD_BENCH)
  find_package(benchmark REQUIRED)
endif()

# The builds with sanitizers compile sources together, eight at a time (CMAKE_UNITY_BUILD): headers are read once for all of them.
# ALONE, in the functions below, names those of SOURCES whose local names are those of another source of the target.
macro(tern_keep_apart)
  if(ARG_ALONE)
    set_source_files_properties(${ARG_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
endmacro()

# tern_add_library(NAME SOURCES ... [ALONE sources] [PUBLIC targets] [PRIVATE targets])
# A static library tern_NAME with the alias tern::NAME; listed for installation.
function(tern_add_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;ALONE;PUBLIC;PRIVATE" ${ARGN})
  tern_keep_apart()
  add_library(tern_${name} STATIC ${ARG_SOURCES})
  add_library(tern::${name} ALIAS tern_${name})
  set_target_properties(tern_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(tern_${name}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_compile_features(tern_${name} PUBLIC cxx_std_20)
  target_link_libraries(tern_${name} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE} $<BUILD_INTERFACE:tern_warnings>)
  if(name STREQUAL "boost")
    set_target_properties(tern_boost PROPERTIES POSITION_INDEPENDENT_CODE ON)
  else()
    tern_use_precompiled(tern_${name} tern_pch)
  endif()
  set_property(GLOBAL APPEND PROPERTY TERN_LIBRARIES tern_${name})
endfunction()

# tern_add_program(NAME KIND examples|bench|tests SOURCES ... [LINK ...]): left in build/<preset>/KIND/NAME
function(tern_add_program name)
  cmake_parse_arguments(ARG "" "KIND" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${ARG_KIND})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} tern_warnings)
  if(NOT ARG_KIND STREQUAL "bench")  # a bench may do without Tern, and then has other definitions
    tern_use_precompiled(${name} tern_pch)
  endif()
endfunction()

# tern_add_cases(PROGRAM [PARTS number] [TIMEOUT seconds] [FILTER pattern] [PREFIX text] [ENVIRONMENT NAME=value]): makes the
# cases of a GoogleTest program known to CTest, one by one. Each has 120 seconds, or as given; CTest begins with those that
# have the most, so that none of them is left to run alone at the end.
# A program with a sanitizer takes longer to start than most cases do. So there CTest knows the program as a whole, or in
# as many PARTS as it is good to run side by side; each part has 900 seconds.
# FILTER: these cases alone. PREFIX: what their names begin with, where a program is run more than once.
function(tern_add_cases program)
  cmake_parse_arguments(ARG "" "PARTS;TIMEOUT;FILTER;PREFIX;ENVIRONMENT" "" ${ARGN})
  set(properties TIMEOUT 120 COST 120)
  if(TERN_SANITIZE)
    set(properties TIMEOUT 900 COST 120)
  endif()
  if(ARG_TIMEOUT)
    set(properties TIMEOUT ${ARG_TIMEOUT} COST ${ARG_TIMEOUT})
  endif()
  if(NOT TERN_SANITIZE)
    if(ARG_ENVIRONMENT)
      list(APPEND properties ENVIRONMENT ${ARG_ENVIRONMENT})
    endif()
    gtest_discover_tests(${program} TEST_PREFIX "${ARG_PREFIX}" TEST_LIST ${ARG_PREFIX}${program}.cases TEST_FILTER "${ARG_FILTER}"
      DISCOVERY_TIMEOUT 60 PROPERTIES ${properties})
    return()
  endif()
  if(NOT ARG_PARTS)
    set(ARG_PARTS 1)
  endif()
  set(filter)
  if(ARG_FILTER)
    set(filter --gtest_filter=${ARG_FILTER})
  endif()
  foreach(part RANGE 1 ${ARG_PARTS})
    set(name ${ARG_PREFIX}${program})
    if(ARG_PARTS GREATER 1)
      set(name ${name}.${part})
    endif()
    add_test(NAME ${name} COMMAND ${program} ${filter})
    math(EXPR index "${part} - 1")
    set_tests_properties(${name} PROPERTIES ${properties}
      ENVIRONMENT "GTEST_TOTAL_SHARDS=${ARG_PARTS};GTEST_SHARD_INDEX=${index};${ARG_ENVIRONMENT}")
  endforeach()
endfunction()

# tern_add_test(NAME SOURCES ... [ALONE sources] [LINK ...] [OPTIMISED] [ONE_THREAD] [NOT_TSAN pattern] [PARTS number]
# [TIMEOUT seconds]): a GoogleTest program. PARTS and TIMEOUT: as for `tern_add_cases`.
# Tests may look inside: src/ is on their include path.
# OPTIMISED: the test itself does so much that it is worth the compiler's time.
# ONE_THREAD: what it tests starts no thread, so that ThreadSanitizer has nothing to see and is left out.
# NOT_TSAN: a pattern of cases whose threads do what those of other cases do; ThreadSanitizer leaves them out.
function(tern_add_test name)
  cmake_parse_arguments(ARG "OPTIMISED;ONE_THREAD" "PARTS;TIMEOUT;NOT_TSAN" "SOURCES;ALONE;LINK" ${ARGN})
  tern_keep_apart()
  if(ARG_ONE_THREAD AND TERN_SANITIZE STREQUAL "thread")
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gmock GTest::gtest_main tern_warnings)
  if(ARG_OPTIMISED)
    tern_use_precompiled(${name} tern_pch)
  else()
    tern_use_precompiled(${name} tern_pch_tests)
    tern_compile_quickly(${name})
  endif()
  set(filter)
  if(ARG_NOT_TSAN AND TERN_SANITIZE STREQUAL "thread")
    set(filter -${ARG_NOT_TSAN})
  endif()
  tern_add_cases(${name} PARTS "${ARG_PARTS}" TIMEOUT "${ARG_TIMEOUT}" FILTER "${filter}")
endfunction()

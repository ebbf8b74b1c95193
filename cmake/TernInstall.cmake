# tern::tern is all of Tern for a bot, tern::testing what its tests link besides. The floors and the package are installed
# so that find_package(tern) works.
get_property(tern_installed GLOBAL PROPERTY TERN_LIBRARIES)
set(tern_libraries ${tern_installed})
list(REMOVE_ITEM tern_libraries tern_testing)
add_library(tern_tern INTERFACE)
add_library(tern::tern ALIAS tern_tern)
set_target_properties(tern_tern PROPERTIES EXPORT_NAME tern)
target_link_libraries(tern_tern INTERFACE ${tern_libraries})

if(TERN_INSTALL)
  include(CMakePackageConfigHelpers)
  include(GNUInstallDirs)
  set(tern_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tern)
  install(TARGETS tern_tern ${tern_installed} EXPORT tern-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/tern DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
          FILES_MATCHING PATTERN "*.hpp")
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/tern)
  install(EXPORT tern-targets NAMESPACE tern:: DESTINATION ${tern_package_dir})
  configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/tern-config.cmake.in
    ${PROJECT_BINARY_DIR}/tern-config.cmake INSTALL_DESTINATION ${tern_package_dir})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/tern-config-version.cmake
    VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_CURRENT_LIST_DIR}/TernRefuseGcc12.cmake
    ${PROJECT_BINARY_DIR}/tern-config.cmake ${PROJECT_BINARY_DIR}/tern-config-version.cmake
          DESTINATION ${tern_package_dir})
endif()

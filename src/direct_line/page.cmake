# The page at /chat. Its own files become a source, so that a bot needs no file beside it for them. Web Chat itself, from
# npm, is a file that the bot reads at its start: ./dev web-chat puts it into TERN_WEB_CHAT_FOLDER, and it is installed
# with Tern when it is there.
include(GNUInstallDirs)
set(TERN_WEB_CHAT_FOLDER ${PROJECT_SOURCE_DIR}/build/web-chat CACHE PATH "The folder with webchat.js, which ./dev web-chat fills")
set(TERN_INSTALLED_WEB_CHAT ${CMAKE_INSTALL_FULL_DATADIR}/tern/web-chat)
set(tern_page_files chat.html chat.css chat.js)
list(TRANSFORM tern_page_files PREPEND ${CMAKE_CURRENT_LIST_DIR}/page/)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${tern_page_files})
file(READ page/chat.html TERN_PAGE_HTML)
file(READ page/chat.css TERN_PAGE_STYLE)
file(READ page/chat.js TERN_PAGE_SCRIPT)
configure_file(page_text.cpp.in ${CMAKE_CURRENT_BINARY_DIR}/page_text.cpp @ONLY)
target_sources(tern_direct_line PRIVATE page.cpp page_files.cpp ${CMAKE_CURRENT_BINARY_DIR}/page_text.cpp)
if(TERN_INSTALL)
  install(DIRECTORY ${TERN_WEB_CHAT_FOLDER}/ DESTINATION ${CMAKE_INSTALL_DATADIR}/tern/web-chat OPTIONAL
          FILES_MATCHING PATTERN "webchat.js*")
endif()

#pragma once

#include <string_view>

namespace tern::direct_line {

// The files in src/direct_line/page, and the folders of the build. CMake writes the source from page_text.cpp.in.
extern const std::string_view page_html;  // with {{nonce}} where the nonce of a response belongs
extern const std::string_view page_style;
extern const std::string_view page_script;
extern const std::string_view installed_web_chat_folder;
extern const std::string_view built_web_chat_folder;

}  // namespace tern::direct_line

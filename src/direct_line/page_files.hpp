#pragma once

#include "http/http_types.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::direct_line {

/// A file of the page, in memory, as it is sent.
struct PageFile {
  std::string_view content_type;              ///< a literal
  std::shared_ptr<const std::string> text;    ///< shared with the responses that are being sent
  std::shared_ptr<const std::string> zipped;  ///< the same by gzip; nullptr when there is none
  std::string tag;                            ///< the ETag, which stands for the contents
};

/// A file with these contents. `zipped`: "" for none.
PageFile make_page_file(std::string_view content_type, std::string text, std::string zipped = {});

/// The answer to a GET of the file: zipped for a client that takes gzip, and 304 for a client that has it.
http::HttpResponse serve(const PageFile& file, const http::HttpRequest& request);

/// The folders where Web Chat is looked for unless the configuration names one: beside an installed program, where Tern
/// is installed, and where `./dev` puts it. `program`: the path of this program, or "".
std::vector<std::filesystem::path> usual_page_folders(const std::filesystem::path& program);

/// The path of this program; "" when the system does not tell.
std::filesystem::path this_program();

/// Reads `webchat.js` and `webchat.js.gz` in the first of these folders that has the former; nullopt when none has.
/// A file that cannot be read is as if it were not there.
std::optional<PageFile> read_web_chat(const std::vector<std::filesystem::path>& folders);

}  // namespace tern::direct_line

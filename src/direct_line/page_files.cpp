#include "direct_line/page_files.hpp"

#include "direct_line/digest.hpp"
#include "direct_line/page_text.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

namespace tern::direct_line {

namespace {

constexpr std::string_view web_chat_name = "webchat.js";
// Far beyond the bundle, which has 4 MB.
constexpr std::uintmax_t largest_file = 64ULL << 20;

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  return begin == std::string_view::npos ? std::string_view()
                                         : text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

// Calls `each` with the parts of a list with commas, until it returns true. Returns whether it did.
template <class F>
bool any_of_list(std::string_view listed, F each) {
  while (!listed.empty()) {
    const auto comma = std::min(listed.find(','), listed.size());
    if (each(trimmed(listed.substr(0, comma)))) {
      return true;
    }
    listed.remove_prefix(std::min(comma + 1, listed.size()));
  }
  return false;
}

bool takes_gzip(const http::HttpRequest& request) {
  return any_of_list(request.header("accept-encoding").value_or(""), [](std::string_view coding) {
    const auto semicolon = std::min(coding.find(';'), coding.size());
    const auto weight = trimmed(coding.substr(semicolon));
    const bool refused =
        weight.find("q=0") != std::string_view::npos && weight.find_first_of("123456789") == std::string_view::npos;
    return trimmed(coding.substr(0, semicolon)) == "gzip" && !refused;
  });
}

bool has_already(const http::HttpRequest& request, std::string_view tag) {
  return any_of_list(request.header("if-none-match").value_or(""),
                     [tag](std::string_view each) { return each == tag || each == "*"; });
}

std::optional<std::string> read_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error || size == 0 || size > largest_file) {
    return std::nullopt;
  }
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return in.good() || in.eof() ? std::optional(std::move(text)) : std::nullopt;
}

}  // namespace

PageFile make_page_file(std::string_view content_type, std::string text, std::string zipped) {
  // Weak, because it stands for both forms.
  auto tag = "W/\"" + short_digest(text) + '"';
  auto zip = zipped.empty() ? nullptr : std::make_shared<const std::string>(std::move(zipped));
  return {content_type, std::make_shared<const std::string>(std::move(text)), std::move(zip), std::move(tag)};
}

http::HttpResponse serve(const PageFile& file, const http::HttpRequest& request) {
  http::HttpResponse response;
  if (has_already(request, file.tag)) {
    response.status = 304;
  } else {
    const bool zipped = file.zipped && takes_gzip(request);
    response.shared_body = zipped ? file.zipped : file.text;
    response.content_type = file.content_type;
    if (zipped) {
      response.headers.emplace_back("Content-Encoding", "gzip");
    }
  }
  response.headers.emplace_back("ETag", file.tag);
  response.headers.emplace_back("Cache-Control", "no-cache");
  response.headers.emplace_back("Vary", "Accept-Encoding");
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
  return response;
}

std::filesystem::path this_program() {
  std::error_code error;
  auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::filesystem::path() : path;
}

std::vector<std::filesystem::path> usual_page_folders(const std::filesystem::path& program) {
  std::vector<std::filesystem::path> folders;
  if (program.has_parent_path()) {
    folders.push_back(program.parent_path().parent_path() / "share/tern/web-chat");
  }
  folders.emplace_back(installed_web_chat_folder);
  folders.emplace_back(built_web_chat_folder);
  return folders;
}

std::optional<PageFile> read_web_chat(const std::vector<std::filesystem::path>& folders) {
  for (const auto& folder : folders) {
    if (auto text = read_file(folder / web_chat_name)) {
      auto zipped = read_file(folder / (std::string(web_chat_name) + ".gz"));
      return make_page_file("text/javascript; charset=utf-8", std::move(*text), std::move(zipped).value_or(""));
    }
  }
  return std::nullopt;
}

}  // namespace tern::direct_line

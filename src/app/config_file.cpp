#include "app/config_file.hpp"

#include "app/without_secrets.hpp"

#include <tern/app/config.hpp>
#include <tern/schema/parse.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>

namespace tern::app {

namespace {

constexpr std::size_t most_bytes = std::size_t{1} << 20;

[[noreturn]] void cannot_use(const std::string& path, const std::string& why) {
  throw ConfigError("The configuration file " + without_secrets(path) + " cannot be " + why);
}

// Uses C's functions, because a C++ stream opens a folder without an error and throws when it is read.
std::string read_all(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    cannot_use(path, "read: it is a folder. Name a JSON file.");
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  if (!file) {
    cannot_use(path, "read: " + std::string(std::strerror(errno)) + ".");
  }
  std::string text(most_bytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) {
    cannot_use(path, "read: " + std::string(std::strerror(errno)) + ".");
  }
  if (text.size() > most_bytes) {
    cannot_use(path, "used: it has more than 1 MiB. Is it the right one?");
  }
  return text;
}

// Line and column, from 1, in characters and not in bytes, as editors count them.
std::string place_of(std::string_view text, std::size_t position) {
  const auto before = text.substr(0, position);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto last = before.substr(before.rfind('\n') + 1);  // npos + 1 is 0
  const auto column = 1 + std::count_if(last.begin(), last.end(),
                                        [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
  return " at line " + std::to_string(line) + ", column " + std::to_string(column) + ".";
}

// The parser's message speaks of the body of a request.
std::string why_unusable(const ParseError& error, std::string_view text) {
  constexpr std::string_view of_requests = "The body";
  auto why = error.message;
  if (why.starts_with(of_requests)) {
    why.replace(0, of_requests.size(), "It");
  }
  const auto place = why.rfind(" at byte ");
  return error.position && place != std::string::npos ? why.substr(0, place) + place_of(text, *error.position) : why;
}

}  // namespace

boost::json::object read_config_file(const std::string& path) {
  const auto text = read_all(path);
  auto parsed = parse_json(text);
  if (!parsed) {
    cannot_use(path, "used. " + why_unusable(parsed.error(), text));
  }
  if (!parsed->is_object()) {
    throw ConfigError("The configuration file " + without_secrets(path) + " must hold a JSON object.");
  }
  return std::move(parsed->get_object());
}

}  // namespace tern::app

#include "wire/captures.hpp"

#include <fstream>
#include <iterator>
#include <ostream>
#include <stdexcept>

namespace tern::wire {

namespace {

std::vector<Capture> read_all() {
  auto all = read_sections(read_capture_file("botbuilder-express-noauth.txt"));
  for (const std::string name : {"playground-emulator", "playground-emulator-expectReplies"}) {
    auto logged = read_logs(name, read_capture_file(name + "-to-bot.txt"), read_capture_file(name + "-from-bot.txt"));
    all.insert(all.end(), std::make_move_iterator(logged.begin()), std::make_move_iterator(logged.end()));
  }
  return all;
}

std::size_t count(const std::string& text, std::string_view what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) {
    ++found;
  }
  return found;
}

}  // namespace

std::string read_capture_file(const std::string& name) {
  std::ifstream file(std::string(TERN_CAPTURES_DIR) + "/" + name, std::ios::binary);
  if (!file) {
    throw std::runtime_error("there is no capture " + name + " in " + TERN_CAPTURES_DIR);
  }
  return std::string(std::istreambuf_iterator<char>(file), {});
}

const std::vector<Capture>& all_captures() {
  static const auto all = read_all();
  return all;
}

const Capture& capture_named(const std::string& name) {
  for (const auto& capture : all_captures()) {
    if (capture.name == name) {
      return capture;
    }
  }
  throw std::runtime_error("there is no capture named " + name);
}

std::size_t count_requests_in_files() {
  return count(read_capture_file("botbuilder-express-noauth.txt"), "--- request (client -> bot)") +
         count(read_capture_file("playground-emulator-to-bot.txt"), ">>> client to bot") +
         count(read_capture_file("playground-emulator-expectReplies-to-bot.txt"), ">>> client to bot");
}

void PrintTo(const Capture& capture, std::ostream* out) {
  *out << capture.name;
}

}  // namespace tern::wire

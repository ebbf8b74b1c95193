#include "turn/load.hpp"

#include "turn/process.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace bench {

namespace {

/// A file that is gone with the object.
class TemporaryFile {
 public:
  TemporaryFile() : path_((std::filesystem::temp_directory_path() / "tern-bench-XXXXXX").string()) {
    const int file = ::mkstemp(path_.data());
    if (file < 0) {
      throw std::runtime_error("no temporary file can be made: " + path_);
    }
    ::close(file);
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const noexcept { return path_; }
  std::string text() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string path_;
};

LoadResult read_result(const std::string& output) {
  constexpr std::string_view mark = "\nturn-load ";
  const auto at = output.find(mark);
  std::uint64_t microseconds = 0;
  std::uint64_t broken = 0;
  std::uint64_t refused = 0;
  LoadResult result;
  if (at == std::string::npos ||
      !(std::istringstream(output.substr(at + mark.size())) >> result.requests >> microseconds >> broken >> refused)) {
    throw std::runtime_error("wrk printed no result:\n" + output);
  }
  if (broken != 0 || refused != 0 || result.requests == 0) {
    throw std::runtime_error(std::to_string(result.requests) + " requests were answered, " + std::to_string(refused) +
                             " of them with an error's status; connections failed " + std::to_string(broken) +
                             " times:\n" + output);
  }
  result.seconds = static_cast<double>(microseconds) / 1e6;
  return result;
}

}  // namespace

void require_wrk() {
  Process wrk({"wrk", "--version"}, SpawnOptions{{}, "/dev/null", {}});
  if (wrk.wait() == 127) {
    throw std::runtime_error("wrk, which makes the load, is not installed: apt-get install wrk");
  }
}

LoadResult put_load(std::uint16_t port, Mode mode, const std::string& service_url, const std::string& prefix,
                    const LoadSettings& settings) {
  const TemporaryFile output;
  const auto seconds = std::to_string(settings.seconds) + "s";
  Process wrk(
      {"wrk", "--threads", "1", "--connections", std::to_string(settings.connections), "--duration", seconds,
       "--timeout", "5s", "--script", settings.script, "http://127.0.0.1:" + std::to_string(port) + "/api/messages"},
      SpawnOptions{settings.core,
                   output.path(),
                   {{"TURN_LOAD_MESSAGE", message_template(mode, service_url)},
                    {"TURN_LOAD_PREFIX", prefix},
                    {"TURN_LOAD_TOKEN", settings.token},
                    {"TURN_LOAD_PERSONAL", settings.personal ? "1" : "0"},
                    {"TURN_LOAD_CONVERSATIONS", std::to_string(settings.conversations)}}});
  if (settings.began) {
    settings.began(wrk.pid());
  }
  const int status = wrk.wait();
  if (status != 0) {
    throw std::runtime_error("wrk ended with " + std::to_string(status) + ":\n" + output.text());
  }
  return read_result(output.text());
}

}  // namespace bench

#include "storage/process_name.hpp"

#include <tern/storage/schedule_types.hpp>

#include <boost/asio/ip/host_name.hpp>

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <sstream>
#include <vector>

namespace tern::storage {

namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Text that is equal for two processes that see the same process ids: the same boot of a machine, and the same
// namespace of ids.
std::string place() {
  std::array<char, 64> link{};
  const auto length = ::readlink("/proc/self/ns/pid", link.data(), link.size());
  auto space = std::string(link.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  std::erase_if(space, [](char c) { return c < '0' || c > '9'; });
  const auto boot = first_line("/proc/sys/kernel/random/boot_id");
  return boot.empty() || space.empty() ? std::string() : boot + '.' + space;
}

// When a process was started, in ticks since the boot: another one with the same id has another. "" when there is none.
std::string start_of(const std::string& pid) {
  const auto stat = first_line("/proc/" + pid + "/stat");
  // The second field is the program's name in parentheses, which may hold anything.
  const auto after_name = stat.rfind(')');
  if (after_name == std::string::npos) {
    return {};
  }
  std::istringstream fields(stat.substr(after_name + 1));
  std::string field;
  constexpr int start_time = 20;  // the 22nd of all
  for (int i = 0; i < start_time && fields >> field; ++i) {
  }
  return field;
}

// 0 for what is none: 0 itself and less would name groups of processes.
pid_t process_id(const std::string& text) {
  pid_t id = 0;
  const auto* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, id);
  return error == std::errc() && at == end && id > 0 ? id : 0;
}

// Where /proc hides the processes of other users (hidepid), a living one looks there as if it were gone; the kernel
// still says whether there is one.
bool has_ended(const std::string& pid, const std::string& start) {
  const auto id = process_id(pid);
  if (id == 0) {
    return false;
  }
  const auto started = start_of(pid);
  return started.empty() ? ::kill(id, 0) != 0 && errno == ESRCH : started != start;
}

std::vector<std::string> parts_of(std::string_view name) {
  std::vector<std::string> parts(1);
  for (const char c : name) {
    if (c == '/') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

}  // namespace

// host/place/pid/start/unique
std::string process_name() {
  constexpr const char* digits = "0123456789abcdef";
  boost::system::error_code ignored;
  const auto pid = std::to_string(::getpid());
  auto name = boost::asio::ip::host_name(ignored) + '/' + place() + '/' + pid + '/' + start_of(pid) + '/';
  for (const auto byte : new_send_id()) {
    name += digits[byte >> 4];
    name += digits[byte & 15];
  }
  return name;
}

bool is_ended_neighbour(std::string_view name) {
  constexpr std::size_t all_parts = 5;
  const auto parts = parts_of(name);
  if (parts.size() != all_parts || parts[1].empty() || parts[1] != place() || parts[2].empty() || parts[3].empty()) {
    return false;
  }
  return has_ended(parts[2], parts[3]);
}

}  // namespace tern::storage

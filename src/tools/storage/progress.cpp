#include "tools/storage/progress.hpp"

#include <algorithm>
#include <array>

namespace tern::tools {

namespace {

constexpr std::chrono::milliseconds between_bars{100};
constexpr std::chrono::seconds between_lines{5};
constexpr int bar_width = 30;

std::string fraction_digit(double value, const char* unit) {
  std::array<char, 64> text{};
  const auto size = std::snprintf(text.data(), text.size(), "%.1f %s", value, unit);
  return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace

void ConsoleProgress::begin(const std::string& what, std::uint64_t total) {
  what_ = what;
  total_ = total;
  done_ = 0;
  bytes_ = 0;
  begun_ = clock_.now();
  next_ = begun_ + (terminal_ ? SteadyTime::duration(0) : SteadyTime::duration(between_lines));
}

void ConsoleProgress::advance(std::uint64_t bytes) {
  ++done_;
  bytes_ += bytes;
  constexpr std::uint64_t between_looks = 64;
  if (done_ % between_looks == 0 && clock_.now() >= next_) {
    show(false);
    next_ = clock_.now() + (terminal_ ? SteadyTime::duration(between_bars) : SteadyTime::duration(between_lines));
  }
}

void ConsoleProgress::end() {
  show(true);
}

void ConsoleProgress::note(const std::string& text) {
  std::fprintf(out_, "%s\n", text.c_str());
  std::fflush(out_);
}

std::string ConsoleProgress::bar() const {
  const auto full = static_cast<int>(std::min(done_, total_) * bar_width / total_);
  return "[" + std::string(static_cast<std::size_t>(full), '#') +
         std::string(static_cast<std::size_t>(bar_width - full), '.') + "] " +
         std::to_string(std::min(done_, total_) * 100 / total_) + "%  ";
}

void ConsoleProgress::show(bool last) {
  const auto seconds = std::chrono::duration<double>(clock_.now() - begun_).count();
  const auto rate = seconds > 0 ? static_cast<double>(bytes_) / seconds / 1e6 : 0;
  std::string line = what_ + ": ";
  if (total_ > 0 && terminal_) {
    line += bar();
  }
  line += std::to_string(done_) + (total_ > 0 ? " of " + std::to_string(total_) : "") + " documents, " +
          fraction_digit(static_cast<double>(bytes_) / 1e6, "MB, ") + fraction_digit(rate, "MB/s");
  // \r and "erase to the end of the line": each bar stands where the one before did.
  std::fprintf(out_, terminal_ ? "\r%s\x1b[K%s" : "%s%s", line.c_str(), terminal_ && !last ? "" : "\n");
  std::fflush(out_);
}

}  // namespace tern::tools

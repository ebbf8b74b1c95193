#include "events.hpp"

#include <tern/async/log.hpp>

#include <array>
#include <cstdio>
#include <string_view>

namespace tern::detail::rocks {

void InfoLog::Logv(const char* format, std::va_list arguments) {
  constexpr std::size_t longest = 512;
  std::array<char, longest> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  // That the folder cannot be opened is told by who opens it, with what to do.
  if (std::string_view(text.data()).find("DB::Open() failed") == std::string_view::npos) {
    log::warn("rocksdb says", {{"message", text.data()}});
  }
}

void HealthListener::OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* error) {
  if (error->severity() >= rocksdb::Status::kHardError) {
    log::error("the storage cannot be written", {{"error", error->ToString()}});
    health_->set(describe(*error, path_, "write"));
  }
}

void HealthListener::OnErrorRecoveryEnd(const rocksdb::BackgroundErrorRecoveryInfo& info) {
  if (info.new_bg_error.ok()) {
    health_->set({});
    log::info("the storage can be written again");
  }
}

}  // namespace tern::detail::rocks

#pragma once

#include <tern/async/log.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace tern::test {

/// What is written to standard error, the log above all, from its making until `take`.
class CapturedLog {
 public:
  CapturedLog() {
    log::flush(patience);
    testing::internal::CaptureStderr();
  }
  ~CapturedLog() {
    if (!taken_) {
      (void)take();
    }
  }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  std::string take() {
    taken_ = true;
    log::flush(patience);
    return testing::internal::GetCapturedStderr();
  }

 private:
  static constexpr std::chrono::minutes patience{1};
  bool taken_ = false;
};

}  // namespace tern::test

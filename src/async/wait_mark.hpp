#pragma once

#include <tern/error.hpp>

namespace tern::detail {

/// Marks a timer as waited on while this object exists, and refuses a second wait.
class WaitMark {
 public:
  explicit WaitMark(bool& waiting) : waiting_(waiting) {
    if (waiting_) {
      throw_error(errc::invalid_argument, "a timer is already being waited on; use one timer for each coroutine");
    }
    waiting_ = true;
  }
  ~WaitMark() { waiting_ = false; }
  WaitMark(const WaitMark&) = delete;
  WaitMark& operator=(const WaitMark&) = delete;

 private:
  bool& waiting_;
};

}  // namespace tern::detail

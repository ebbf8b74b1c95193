// Whatever answers come, in whatever order and time: the window does what a plain map does.

#include "unit/runtime/dedupe_window_model.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

/// Reads numbers off the input; zeros when it is used up.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : next_(data), end_(data + size) {}
  bool empty() const { return next_ == end_; }
  std::size_t number(int bytes) {
    std::size_t value = 0;
    for (; bytes > 0; --bytes) {
      value = value << 8 | (next_ != end_ ? *next_++ : 0U);
    }
    return value;
  }

 private:
  const std::uint8_t* next_;
  const std::uint8_t* end_;
};

std::string step(tern::runtime::DedupeWindowModel& model, Input& input) {
  switch (input.number(1) % 5) {
    case 0:
      return model.remember(input.number(1), input.number(1));
    case 1:
      return model.remember(input.number(1), input.number(2));
    case 2:  // up to more than a block holds
      return model.remember(input.number(1), input.number(1) * 2048);
    case 3:
      return model.find(input.number(1));
    default:
      model.advance(std::chrono::milliseconds(input.number(1) * 8));
      return {};
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const auto max_bytes = 64 + input.number(1) * input.number(2);
  tern::runtime::DedupeWindowModel model(max_bytes, std::chrono::milliseconds(1 + input.number(1) * 8));
  while (!input.empty()) {
    if (const auto wrong = step(model, input); !wrong.empty()) {
      std::fprintf(stderr, "%s\n", wrong.c_str());
      std::abort();
    }
  }
  return 0;
}

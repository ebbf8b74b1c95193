#include "auth/fetch_pace.hpp"

#include <algorithm>
#include <chrono>

namespace tern::auth {

void FetchPace::succeeded() noexcept {
  under_way_ = false;
  failures_ = 0;
}

void FetchPace::failed(SteadyTime now, double left_out, SteadyTime::duration at_least) noexcept {
  constexpr unsigned most_doublings = 20;
  const auto pause = std::min(longest_pause_, first_pause_ * (1U << std::min(failures_, most_doublings)));
  const auto shortened = pause - std::chrono::duration_cast<SteadyTime::duration>(pause * left_out);
  under_way_ = false;
  ++failures_;
  next_try_ = now + std::max(shortened, at_least);
}

}  // namespace tern::auth

#include "asios_coroutines.hpp"

// Without a header of Tern: see `SameFrameWithAndWithoutTern`.
namespace tern::asios {

Frame frame_without_tern() {
  return Frame::of<boost::asio::awaitable<int>>();
}

boost::asio::awaitable<int> add_two_without_tern(int number) {
  return add_two(number);
}

}  // namespace tern::asios

#include "schema/spare_text.hpp"

#include "pools/block_pool.hpp"

#include <boost/json/serializer.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace tern::detail {

namespace {

constexpr std::size_t most_kept = 128;
constexpr std::size_t longest_kept = 8 * 1024;
constexpr std::size_t shortest_kept = 256;
constexpr std::size_t growth = 1024;

std::vector<std::string>& kept() {
  static thread_local std::vector<std::string> texts;
  return texts;
}

}  // namespace

std::string spare_text() noexcept {
  auto& texts = kept();
  if (texts.empty()) {
    return {};
  }
  auto text = std::move(texts.back());
  texts.pop_back();
  text.clear();
  return text;
}

void keep_text(std::string text) noexcept {
  if (!blocks_are_pooled || text.capacity() < shortest_kept || text.capacity() > longest_kept) {
    return;
  }
  auto& texts = kept();
  try {
    if (texts.size() < most_kept) {
      texts.push_back(std::move(text));
    }
  } catch (...) {
    // There is no memory to keep the text, so it is freed.
  }
}

void append_json(std::string& text, const boost::json::object& object) {
  boost::json::serializer serializer;
  serializer.reset(&object);
  auto used = text.size();
  text.resize(std::max(text.capacity(), used + growth));
  for (;;) {
    used += serializer.read(text.data() + used, text.size() - used).size();
    if (serializer.done()) {
      break;
    }
    text.resize(2 * text.size());
  }
  text.resize(used);
}

}  // namespace tern::detail

#include "direct_line/frame.hpp"

#include <charconv>
#include <utility>

namespace tern::direct_line {

Frame make_frame(const std::vector<StoredActivity>& activities, std::size_t begin, std::uint64_t watermark,
                 std::size_t max_bytes) {
  Frame frame;
  frame.watermark = watermark;
  frame.next = begin;
  std::string text = R"({"activities":[)";
  for (; frame.next < activities.size(); ++frame.next) {
    const auto& activity = activities[frame.next];
    if (frame.next > begin && text.size() + activity.text->size() > max_bytes) {
      break;
    }
    text.append(frame.next > begin ? "," : "").append(*activity.text);
    frame.watermark = activity.seq > 0 ? activity.seq : frame.watermark;
  }
  // A watermark of 0 is a text as well, and no client takes it for none.
  text.append(R"(],"watermark":")").append(std::to_string(frame.watermark)).append("\"}");
  frame.text = std::make_shared<const std::string>(std::move(text));
  return frame;
}

std::optional<std::uint64_t> parse_watermark(std::string_view text) {
  if (text.empty() || text == "-") {
    return 0;
  }
  constexpr std::size_t longest = 18;  // digits that surely fit
  std::uint64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && rest == end && text.size() <= longest ? std::optional(number) : std::nullopt;
}

}  // namespace tern::direct_line

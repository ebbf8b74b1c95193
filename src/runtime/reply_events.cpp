#include "runtime/reply_events.hpp"

#include <tern/schema/parse.hpp>

#include <boost/json/parse.hpp>

namespace tern::runtime {

namespace {

constexpr std::string_view event_end = "\n\n";

// An event as `StreamedReplies` writes it: a line for its name, and a line for its data. nullopt for a comment.
std::optional<ReplyEvents::Event> event_in(std::string_view text) {
  constexpr std::string_view name_begins = "event: ";
  constexpr std::string_view data_begins = "\ndata: ";
  const auto data = text.find(data_begins);
  if (!text.starts_with(name_begins) || data == std::string_view::npos) {
    return std::nullopt;
  }
  return ReplyEvents::Event{std::string(text.substr(name_begins.size(), data - name_begins.size())),
                            std::string(text.substr(data + data_begins.size()))};
}

}  // namespace

awaitable<std::optional<ReplyEvents::Event>> ReplyEvents::next() {
  for (;;) {
    const auto end = text_.find(event_end, read_);
    if (end != std::string::npos) {
      auto event = event_in(std::string_view(text_).substr(read_, end - read_));
      read_ = end + event_end.size();
      if (event) {
        co_return event;
      }
      continue;
    }
    text_.erase(0, std::exchange(read_, 0));
    auto piece = co_await reader_->next();
    if (!piece) {
      co_return std::nullopt;
    }
    text_ += *piece;
  }
}

// As JSON from outside, whose numbers are read more exactly; what is nested deeper, Boost alone reads.
json::value parse_own_json(std::string_view text) {
  constexpr std::size_t deepest = 1'000;
  if (auto parsed = parse_json(text)) {
    return std::move(*parsed);
  }
  json::parse_options options;
  options.max_depth = deepest;
  return json::parse(text, {}, options);
}

}  // namespace tern::runtime

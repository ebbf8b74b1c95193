#include "app/proactive_query.hpp"

#include "app/call_members.hpp"
#include "app/proactive_call.hpp"
#include "app/proactive_refusal.hpp"

#include <boost/url/decode_view.hpp>
#include <boost/url/parse_query.hpp>
#include <boost/url/pct_string_view.hpp>

#include <algorithm>
#include <charconv>

namespace tern::app {

namespace {

namespace urls = boost::urls;

std::string decoded(std::string_view text) {
  const auto encoded = urls::make_pct_string_view(text);
  if (!encoded) {
    refuse(400, "BadArgument", "The path has a % that begins no escape.");
  }
  std::string plain;
  plain.reserve(text.size());
  for (const char character : *encoded.value()) {
    plain += character;
  }
  return plain;
}

}  // namespace

std::vector<std::string> segments_of(std::string_view path, std::string_view root) {
  path.remove_prefix(std::min(path.size(), root.size()));
  std::vector<std::string> segments;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    if (end > 0) {
      segments.push_back(decoded(path.substr(0, end)));
    }
    path.remove_prefix(end);
  }
  return segments;
}

Parameters::Parameters(std::string_view query) {
  const auto parsed = urls::parse_query(query);
  if (!parsed) {
    refuse(400, "BadArgument", "The query cannot be read.");
  }
  for (const auto& parameter : urls::params_view(*parsed)) {
    const auto is_same = [&](const auto& given) { return given.first == parameter.key; };
    if (std::any_of(given_.begin(), given_.end(), is_same)) {
      refuse(400, "BadArgument", "The parameter " + parameter.key + " is given twice.");
    }
    given_.emplace_back(parameter.key, parameter.value);
  }
}

std::string Parameters::take(std::string_view name) {
  known_.push_back(name);
  const auto found = std::find_if(given_.begin(), given_.end(), [&](const auto& given) { return given.first == name; });
  if (found == given_.end()) {
    return {};
  }
  auto value = std::move(found->second);
  given_.erase(found);
  return value;
}

std::optional<std::string> Parameters::take_order_key() {
  const bool is_given =
      std::any_of(given_.begin(), given_.end(), [](const auto& given) { return given.first == "orderKey"; });
  auto key = take("orderKey");
  if (is_given && key.empty()) {
    refuse(400, "BadArgument", "orderKey is empty. Leave it out to list the sends of all order keys.");
  }
  return is_given ? std::optional(std::move(key)) : std::nullopt;
}

std::size_t Parameters::take_limit() {
  const auto text = take("limit");
  if (text.empty()) {
    return 100;
  }
  std::size_t limit = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (error != std::errc() || end != text.data() + text.size() || limit < 1 || limit > 1000) {
    refuse(400, "BadArgument", "limit must be 1 to 1000.");
  }
  return limit;
}

std::optional<WallTime> Parameters::take_time(std::string_view name) {
  const bool is_given =
      std::any_of(given_.begin(), given_.end(), [&](const auto& given) { return given.first == name; });
  if (!is_given) {
    return std::nullopt;
  }
  auto text = take(name);
  std::replace(text.begin(), text.end(), ' ', '+');  // a plus sign stands for a space in a query
  return time_of(text, name);
}

void Parameters::require_no_others() const {
  if (!given_.empty()) {
    refuse(400, "BadArgument", "The parameter " + unknown_name(given_.front().first, known_));
  }
}

void require_no_query(std::string_view query) {
  Parameters(query).require_no_others();
}

}  // namespace tern::app

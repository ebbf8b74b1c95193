#pragma once

#include <tern/async/clock.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::app {

/// What follows `root` in a path, without a trailing slash, decoded.
/// Errors: `Refusal` with 400.
std::vector<std::string> segments_of(std::string_view path, std::string_view root);

/// The parameters of a query, each asked for by name. Errors: `Refusal` with 400.
class Parameters {
 public:
  explicit Parameters(std::string_view query);
  /// "" when it is not there.
  /// Lifetime: `name` is a literal.
  std::string take(std::string_view name);
  /// nullopt when it is not there; refused when it is empty, as from a variable that was not set.
  std::optional<std::string> take_order_key();
  /// `limit`: 1 to 1,000, 100 without it.
  std::size_t take_limit();
  /// A time with its offset; nullopt when it is not there.
  std::optional<WallTime> take_time(std::string_view name);
  /// What was not asked for is refused by its name.
  void require_no_others() const;

 private:
  std::vector<std::string_view> known_;  // literals
  std::vector<std::pair<std::string, std::string>> given_;
};

/// For a path that takes no parameters. Errors: as above.
void require_no_query(std::string_view query);

}  // namespace tern::app

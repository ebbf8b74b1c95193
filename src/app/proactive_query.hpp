#pragma once

#include <tern/async/clock.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::app {

/// The decoded segments of a path behind `root`. Empty segments are left out.
/// Errors: `Refusal` with 400.
std::vector<std::string> segments_of(std::string_view path, std::string_view root);

/// The parameters of a query. Errors: `Refusal` with 400.
class Parameters {
 public:
  explicit Parameters(std::string_view query);
  /// The value of a parameter; "" when it is absent.
  /// Lifetime: `name` is a literal.
  std::string take(std::string_view name);
  /// nullopt when it is absent. An empty one is refused, because it may come from an unset variable of a script.
  std::optional<std::string> take_order_key();
  /// The parameter `limit`, 1 to 1,000; 100 when it is absent.
  std::size_t take_limit();
  /// A time with its offset; nullopt when it is absent.
  std::optional<WallTime> take_time(std::string_view name);
  /// Refuses parameters that were not taken.
  void require_no_others() const;

 private:
  std::vector<std::string_view> known_;  // literals
  std::vector<std::pair<std::string, std::string>> given_;
};

/// Refuses a query with parameters. Errors: as above.
void require_no_query(std::string_view query);

}  // namespace tern::app

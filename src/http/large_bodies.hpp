#pragma once

#include "http/http_types.hpp"

#include <cstddef>
#include <functional>

namespace tern::http {

/// Lets some requests have a larger body than the others.
struct LargeBodies {
  std::size_t most = 0;  ///< bytes of the largest body of all
  /// The bytes that the body of this request may have, once its head has come; 0 for the usual bound. It is called on
  /// the shard of the connection, and does not throw.
  std::function<std::size_t(const HttpRequest&)> allowed;
};

}  // namespace tern::http

#pragma once

#include <boost/json/value.hpp>

#include <utility>

namespace tern {

namespace json = boost::json;

/// The answer to an `invoke`: the HTTP status, and the JSON of the body (null: an empty body).
/// Source: Activity Protocol, "Invoke activity".
struct InvokeResponse {
  /// 200 with an empty body.
  InvokeResponse() = default;
  /// This status and this body.
  explicit InvokeResponse(int status_code, json::value content = nullptr)
      : status(status_code), body(std::move(content)) {}

  int status = 200;  ///< of HTTP
  json::value body;  ///< null: an empty body
};

}  // namespace tern

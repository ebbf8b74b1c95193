#pragma once

#include "http/http_types.hpp"
#include "testing/fields.hpp"

#include <string>
#include <utility>

namespace tern::test {

/// The request that brings an activity, as the edge would have it.
class ActivityRequest final : public http::HttpRequest {
 public:
  ActivityRequest(std::string body, Fields headers) : body_(std::move(body)), headers_(std::move(headers)) {}

  http::Method method() const noexcept override { return http::Method::post; }
  std::string_view path() const noexcept override { return "/api/messages"; }
  std::string_view query() const noexcept override { return ""; }
  std::optional<std::string_view> header(std::string_view name) const noexcept override {
    return first_field(headers_, name);
  }
  std::optional<std::string_view> only_header(std::string_view name) const noexcept override {
    return count_fields(headers_, name) == 1 ? first_field(headers_, name) : std::nullopt;
  }
  std::string& body() noexcept override { return body_; }
  std::string_view peer() const noexcept override { return "127.0.0.1"; }

 private:
  std::string body_;
  Fields headers_;
};

}  // namespace tern::test

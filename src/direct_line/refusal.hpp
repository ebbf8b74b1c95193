#pragma once

#include "http/http_types.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

namespace tern::direct_line {

/// The answer to a request that is not done, in the form `{"error":{"code","message"}}`.
///
/// 403 ends a client for good, so it says `TokenExpired` to clients and nothing else, and otherwise answers calls that
/// only a server makes. 404 says to a client that the conversation has ended.
class Refusal : public std::exception {
 public:
  Refusal(unsigned status, const char* code, std::string message, std::chrono::seconds retry_after = {})
      : status_(status), code_(code), message_(std::move(message)), retry_after_(retry_after) {}

  const char* what() const noexcept override { return message_.c_str(); }
  unsigned status() const noexcept { return status_; }
  http::HttpResponse response() const;

 private:
  unsigned status_;
  const char* code_;  // a literal
  std::string message_;
  std::chrono::seconds retry_after_;
};

///@{
/// Refusals that several calls have.
[[noreturn]] void refuse_argument(std::string message);
[[noreturn]] void refuse_conversation();
[[noreturn]] void refuse_rate(std::chrono::nanoseconds wait, const char* key);
[[noreturn]] void refuse_bytes(std::chrono::nanoseconds wait, const char* key);
[[noreturn]] void refuse_reads(std::chrono::nanoseconds wait, const char* key);
///@}

/// The type of bodies of JSON.
inline constexpr std::string_view json_type = "application/json; charset=utf-8";

}  // namespace tern::direct_line

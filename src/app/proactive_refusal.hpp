#pragma once

#include "http/http_types.hpp"

#include <exception>
#include <string>

namespace tern::app {

/// The answer to a request that is refused. It is thrown.
struct Refusal {
  unsigned status;
  std::string code;
  std::string message;
  std::string header;  ///< "" for none
  std::string value;
};

[[noreturn]] void refuse(unsigned status, std::string code, std::string message, std::string header = {},
                         std::string value = {});

/// The answer to a request that has failed with `error`. Other exceptions are rethrown: the sender must not see their
/// text, and the server answers 500.
Refusal refusal_of(const std::exception_ptr& error);

http::HttpResponse to_response(const Refusal& refusal);

}  // namespace tern::app

#pragma once

#include "http/http_types.hpp"

#include <exception>
#include <string>

namespace tern::app {

/// An answer that is not what was asked for, thrown to where the request is answered.
struct Refusal {
  unsigned status;
  std::string code;
  std::string message;
  std::string header;  ///< "" for none
  std::string value;
};

[[noreturn]] void refuse(unsigned status, std::string code, std::string message, std::string header = {},
                         std::string value = {});

/// Why a request came to nothing. What is not known here is thrown on: it is not for the sender to see, and the server
/// says 500.
Refusal refusal_of(const std::exception_ptr& error);

http::HttpResponse to_response(const Refusal& refusal);

}  // namespace tern::app

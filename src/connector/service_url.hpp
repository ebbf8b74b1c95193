#pragma once

#include "net/url.hpp"

#include <tern/error.hpp>

#include <string_view>

namespace tern::connector {

/// The parts of a `serviceUrl`. Lifetime: views into the text.
struct ServiceUrl : net::Origin {
  std::string_view path;  ///< begins with "/" or is empty; without slashes at the end
};

/// The reason why a text is no usable serviceUrl, as the end of a sentence.
struct ServiceUrlError {
  const char* why;
};

/// Parses `text` strictly. A URL that two readers could understand in different ways is refused, because one of the
/// readers is the check that keeps requests on this machine. Refused are schemes other than http and https, user names,
/// queries, fragments, and every character outside RFC 3986, so that the text cannot add a header.
boost::system::result<ServiceUrl, ServiceUrlError> parse_service_url(std::string_view text);

}  // namespace tern::connector

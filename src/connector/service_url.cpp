#include "connector/service_url.hpp"

namespace tern::connector {

boost::system::result<ServiceUrl, ServiceUrlError> parse_service_url(std::string_view text) {
  ServiceUrl url;
  if (const char* wrong = net::parse_origin(text, url, url.path)) {
    return ServiceUrlError{wrong};
  }
  if (const auto end = net::path_length(url.path); end < url.path.size()) {
    const char c = url.path[end];
    return ServiceUrlError{c == '?' || c == '#' ? "has a query or a fragment" : "has a character no path may hold"};
  }
  while (url.path.ends_with('/')) {
    url.path.remove_suffix(1);
  }
  return url;
}

}  // namespace tern::connector

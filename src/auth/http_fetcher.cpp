#include "auth/http_fetcher.hpp"

#include <tern/error.hpp>

#include <utility>

namespace tern::auth {

namespace {

HttpClientOptions options_of(HttpFetcher::Options wanted) {
  HttpClientOptions options;
  options.max_body = std::size_t{1} << 20;
  options.redirects = 0;
  options.ca_file = std::move(wanted.ca_file);
  options.nameservers = std::move(wanted.nameservers);
  return options;
}

}  // namespace

HttpFetcher::HttpFetcher(Options options, Clock& clock) : client_(options_of(std::move(options)), clock) {}

awaitable<std::string> HttpFetcher::get(std::string url, Deadline by) {
  HttpRequest request;
  request.url = url;
  request.headers.add("Accept", "application/json");
  auto response = co_await client_.send(std::move(request), by);
  constexpr int ok = 200;
  if (response.status != ok) {
    throw_error(errc::bad_answer, url.substr(0, url.find_first_of("?#")) + " answered with status " +
                                      std::to_string(response.status) +
                                      (response.headers.find("Location") ? ", a redirect, which is not followed" : ""));
  }
  co_return std::move(response.body);
}

}  // namespace tern::auth

#include <tern/http/http_client.hpp>

#include "http_client/cores.hpp"
#include "http_client/http_core.hpp"
#include "http_client/request_text.hpp"
#include "http_client/shared.hpp"

#include <tern/error.hpp>
#include <tern/schema/parse.hpp>

#include <boost/json/serialize.hpp>

#include <utility>

namespace tern {

namespace {

// A coroutine of its own, because the client may be gone before it ends.
awaitable<HttpResponse> send_for(std::shared_ptr<http_client::Shared> client, HttpRequest request, Deadline by) {
  auto target = http_client::parse_target(request.url);
  if (!target) {
    throw_error(errc::invalid_argument,
                std::string("the URL of an HTTP request ") + target.error().why + "; nothing was sent");
  }
  http_client::check_request(request, *target);
  const executor ex = co_await this_coro::executor;
  const auto core = http_client::Cores::core_on(ex, client);
  auto response = co_await core->send(std::move(request), std::move(*target), by);
  co_return response;
}

/// Appends `text` as the forms of web pages write it (URL Standard, "application/x-www-form-urlencoded").
void append_form_text(std::string& out, std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '*' || c == '-' ||
        c == '.' || c == '_') {
      out.push_back(c);
    } else if (c == ' ') {
      out.push_back('+');
    } else {
      out.push_back('%');
      out.push_back(hex[byte >> 4]);
      out.push_back(hex[byte & 15]);
    }
  }
}

}  // namespace

boost::json::value HttpResponse::json() const {
  auto parsed = parse_json(body);
  if (!parsed) {
    throw_error(errc::bad_answer, "the body of an answer with status " + std::to_string(status) +
                                      " is no JSON: " + parsed.error().message);
  }
  return std::move(*parsed);
}

HttpClient::HttpClient(HttpClientOptions options, Clock& clock)
    : shared_(std::make_shared<http_client::Shared>(std::move(options), clock)) {}

HttpClient::~HttpClient() {
  shared_->close();
}

awaitable<HttpResponse> HttpClient::send(HttpRequest request, Deadline by) {
  return send_for(shared_, std::move(request), by);
}

awaitable<HttpResponse> HttpClient::get(std::string url, Deadline by) {
  HttpRequest request;
  request.url = std::move(url);
  return send(std::move(request), by);
}

awaitable<HttpResponse> HttpClient::post_json(std::string url, boost::json::value body, Deadline by) {
  HttpRequest request{"POST", std::move(url), {{"Content-Type", "application/json"}}, boost::json::serialize(body)};
  return send(std::move(request), by);
}

awaitable<HttpResponse> HttpClient::post_form(std::string url, std::vector<std::pair<std::string, std::string>> fields,
                                              Deadline by) {
  std::string body;
  for (const auto& [name, value] : fields) {
    body.append(body.empty() ? "" : "&");
    append_form_text(body, name);
    body.push_back('=');
    append_form_text(body, value);
  }
  HttpRequest request{"POST", std::move(url), {{"Content-Type", "application/x-www-form-urlencoded"}}, std::move(body)};
  return send(std::move(request), by);
}

}  // namespace tern

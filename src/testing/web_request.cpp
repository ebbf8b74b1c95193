#include "testing/fields.hpp"
#include "testing/world_impl.hpp"

#include <algorithm>
#include <utility>

namespace tern::test {

namespace {

class RequestOfATest final : public WebRequest {
 public:
  RequestOfATest(std::string method, std::string target, std::string body, Fields headers)
      : method_(std::move(method)), target_(std::move(target)), body_(std::move(body)), headers_(std::move(headers)) {}

  std::string_view method() const noexcept override { return method_; }
  std::string_view path() const noexcept override { return std::string_view(target_).substr(0, target_.find('?')); }
  std::string_view query() const noexcept override {
    const auto mark = target_.find('?');
    return mark == std::string::npos ? std::string_view() : std::string_view(target_).substr(mark + 1);
  }
  std::optional<std::string_view> header(std::string_view name) const noexcept override {
    return first_field(headers_, name);
  }
  std::string_view body() const noexcept override { return body_; }
  std::string_view peer() const noexcept override { return "127.0.0.1"; }

 private:
  std::string method_;
  std::string target_;
  std::string body_;
  Fields headers_;
};

std::string_view trimmed_path(std::string_view path) noexcept {
  return path.size() > 1 && path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
}

// As the server chooses: an exact path first.
const Routes::Route* route_for(const Routes& routes, const WebRequest& request) {
  const auto method = request.method() == "HEAD" ? std::string_view("GET") : request.method();
  const auto path = trimmed_path(request.path());
  const auto& all = routes.all();
  auto found = std::find_if(all.begin(), all.end(), [&](const Routes::Route& route) {
    return route.method == method && trimmed_path(route.path) == path;
  });
  if (found == all.end()) {
    found = std::find_if(all.begin(), all.end(), [&](const Routes::Route& route) {
      const auto above = trimmed_path(route.path);
      return route.method.empty() && path.starts_with(above) &&
             (path.size() == above.size() || path[above.size()] == '/');
    });
  }
  return found == all.end() ? nullptr : &*found;
}

// Request and context live in its frame, as long as the handler.
awaitable<WebResponse> answer(WebHandler handler, RequestOfATest request, BotContext context) {
  auto response = co_await handler(request, context);
  co_return response;
}

}  // namespace

WebResponse World::request(std::string method, std::string target, std::string body, Fields headers) {
  RequestOfATest request(std::move(method), std::move(target), std::move(body), std::move(headers));
  const auto* route = route_for(impl_->options.routes, request);
  if (route == nullptr) {
    return WebResponse(404);
  }
  return run(answer(route->handler, std::move(request), impl_->context_of(impl_->here())));
}

}  // namespace tern::test

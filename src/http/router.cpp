#include "http/router.hpp"

#include <tern/error.hpp>
#include <tern/schema/parse.hpp>

#include <algorithm>
#include <utility>

namespace tern::http {

namespace {

std::string_view name_of(Method method) noexcept {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::patch:
      return "PATCH";
    case Method::del:
      return "DELETE";
    case Method::options:
      return "OPTIONS";
    case Method::other:
      break;
  }
  return "";
}

std::string_view without_slash(std::string_view path) noexcept {
  return path.size() > 1 && path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
}

template <class Entries>
HttpHandler* handler_for(const Entries& entries, Method method) noexcept {
  const auto at = std::find_if(entries.begin(), entries.end(), [&](const auto& e) { return e.method == method; });
  return at == entries.end() ? nullptr : at->handler;
}

template <class Entries>
std::string allow(const Entries& entries) {
  std::string text;
  for (const Method method : {Method::get, Method::head, Method::post, Method::put, Method::patch, Method::del}) {
    const bool served = handler_for(entries, method) || (method == Method::head && handler_for(entries, Method::get));
    if (served) {
      text.append(name_of(method)).append(", ");
    }
  }
  return text.append("OPTIONS");
}

awaitable<HttpResponse> answer(HttpResponse response) {
  co_return response;
}

HttpResponse error_response(unsigned status, std::string_view code, std::string_view message) {
  return HttpResponse(status, error_body(code, message), "application/json");
}

}  // namespace

void Router::add(Method method, std::string path, HttpHandler& handler) {
  if (!path.starts_with('/') || method == Method::other) {
    throw_error(errc::invalid_argument,
                "cannot route " + path + ": a path begins with a slash, and has a known method");
  }
  path = without_slash(path);
  Route* route = find(path);
  if (!route) {
    route = &routes_.emplace_back(Route{std::move(path), {}});
  } else if (handler_for(route->entries, method)) {
    throw_error(errc::invalid_argument,
                "cannot route " + std::string(name_of(method)) + " " + path + " twice: give one of them another path");
  }
  route->entries.push_back({method, &handler});
}

void Router::add(std::initializer_list<Method> methods, std::string path, HttpHandler& handler) {
  for (const Method method : methods) {
    add(method, path, handler);
  }
}

void Router::add_below(std::string path, HttpHandler& handler) {
  trees_.push_back({std::string(without_slash(path)), &handler});
}

Router::Route* Router::find(std::string_view path) noexcept {
  path = without_slash(path);
  const auto at = std::find_if(routes_.begin(), routes_.end(), [&](const Route& r) { return r.path == path; });
  return at == routes_.end() ? nullptr : &*at;
}

HttpHandler* Router::handler_below(std::string_view path) noexcept {
  const auto at = std::find_if(trees_.begin(), trees_.end(), [path](const Tree& tree) {
    const auto size = tree.path.size();
    return path.starts_with(tree.path) && (path.size() == size || path[size] == '/');
  });
  return at == trees_.end() ? nullptr : at->handler;
}

void Router::complete_refusal(const HttpRequest& request, HttpResponse& response) {
  const Route* route = find(request.path());
  if (HttpHandler* handler = route ? route->entries.front().handler : handler_below(request.path())) {
    handler->complete_refusal(request, response);
  }
}

// The answer to OPTIONS of `*`: the methods of the whole server (RFC 9110, 9.3.7).
HttpResponse Router::about_all() const {
  std::vector<Entry> all;
  for (const Route& route : routes_) {
    all.insert(all.end(), route.entries.begin(), route.entries.end());
  }
  for (const Tree& tree : trees_) {
    for (const Method method : {Method::get, Method::post, Method::patch, Method::del}) {
      all.push_back({method, tree.handler});
    }
  }
  HttpResponse response(200);
  response.headers.emplace_back("Allow", allow(all));
  return response;
}

// This is no coroutine, so that routing a request costs no frame.
awaitable<HttpResponse> Router::handle(HttpRequest& request) {
  const Route* route = find(request.path());
  if (!route) {
    if (request.method() == Method::options && request.path() == "*") {
      return answer(about_all());
    }
    if (HttpHandler* handler = handler_below(request.path())) {
      return handler->handle(request);
    }
    return answer(error_response(404, "NotFound", "There is nothing at this path."));
  }
  if (HttpHandler* handler = handler_for(route->entries, request.method())) {
    return handler->handle(request);
  }
  if (request.method() == Method::head) {
    if (HttpHandler* handler = handler_for(route->entries, Method::get)) {
      return handler->handle(request);
    }
  }
  HttpResponse response = request.method() == Method::options
                              ? HttpResponse(204)
                              : error_response(405, "MethodNotAllowed", "This path does not serve this method.");
  response.headers.emplace_back("Allow", allow(route->entries));
  return answer(std::move(response));
}

}  // namespace tern::http

#pragma once

#include "http/router.hpp"

#include <tern/app/routes.hpp>

#include <memory>
#include <vector>

namespace tern::app {

/// Adds the bot's own routes to the routers of the server.
///
/// Lifetime: the context outlives it, and it outlives the routers.
/// Thread safety: the handlers may be called on any shard.
class OwnRoutes {
 public:
  OwnRoutes(const Routes& routes, const BotContext& context);
  ~OwnRoutes();

  void add_to(http::Router& router);

 private:
  class Handler;
  struct Entry {
    http::Method method;  // `other`: every request for the path and the paths below it
    std::string path;
    std::unique_ptr<Handler> handler;
  };
  std::vector<Entry> entries_;
};

}  // namespace tern::app

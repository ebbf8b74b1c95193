#pragma once

#include "http/router.hpp"

#include <tern/app/routes.hpp>

#include <memory>
#include <vector>

namespace tern::app {

/// The routes of a bot's own, as the server's router wants them.
///
/// Lifetime: that of the app; the context outlives it.
/// Thread safety: `handle` of its handlers from any shard.
class OwnRoutes {
 public:
  OwnRoutes(const Routes& routes, const BotContext& context);
  ~OwnRoutes();

  void add_to(http::Router& router);

 private:
  class Handler;
  struct Entry {
    http::Method method;  // `other`: all below the path
    std::string path;
    std::unique_ptr<Handler> handler;
  };
  std::vector<Entry> entries_;
};

}  // namespace tern::app

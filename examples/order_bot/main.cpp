#include "order_bot.hpp"

#include <memory>
#include <utility>

int main(int argc, char** argv) {
  ShopSettings settings;
  tern::RunOptions options;
  options.defaults = {{"proactive.enabled", true}};
  options.keys = shop_keys(settings);
  const auto make_bot = [&settings](const tern::BotContext& context) {
    return std::make_unique<OrderBot>(settings, context);
  };
  return tern::run(argc, argv, make_bot, std::move(options));
}

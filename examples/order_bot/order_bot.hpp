#pragma once

#include <tern/tern.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

/// What can be configured of the shop, by keys of its own.
struct ShopSettings {
  std::string currency = "EUR";
  std::uint32_t most_open = 3;                        ///< orders of one user that are not paid
  std::chrono::milliseconds delivery{2 * 3'600'000};  ///< from order to door
};

/// Declares them; `settings` outlives the reading of the configuration.
tern::OwnKeys shop_keys(ShopSettings& settings);

/// Takes orders, shows each as a card with a button, counts them in /metrics, and reminds of what is not paid tomorrow
/// at 9 in the user's time zone.
class OrderBot : public tern::ActivityHandler {
 public:
  OrderBot(ShopSettings settings, const tern::BotContext& context);

 private:
  tern::awaitable<void> on_message(tern::TurnContext& turn) override;
  tern::awaitable<std::optional<tern::InvokeResponse>> on_adaptive_card_action(tern::TurnContext& turn,
                                                                               tern::json::object action) override;
  tern::awaitable<void> remind(tern::TurnContext& turn);

  ShopSettings settings_;
  tern::Counter orders_;
  tern::Counter paid_;
  /// The orders of a user that are not paid, by number.
  tern::StateProperty<std::map<std::string, std::string>> open_ =
      tern::UserState().property<std::map<std::string, std::string>>("open");
  tern::StateProperty<int> last_ = tern::UserState().property<int>("last");
};

#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace tern {

namespace app {
class ConfigKey;
}

/// Configuration keys of a bot's own, beside Tern's. They are read from the same file, environment and command line,
/// `--help` and `--print-config` show them, and a misspelt key is answered with the nearest one.
///
///     ShopSettings shop;
///     tern::OwnKeys keys;
///     keys.text("shop.greeting", shop.greeting, "What the bot says first.");
///     keys.number("shop.most_orders", shop.most_orders, 1, 100, "Orders of one user, at most.");
///
/// A key is bound to a variable, whose value at that time is the default. A name has two parts or more, with dots
/// between them, of small letters, digits and underscores; the first part is none of Tern's groups. `shop.most_orders`
/// is `TERN_SHOP_MOST_ORDERS` in the environment.
///
/// Lifetime: the variables outlive the reading of the configuration.
/// Errors: `errc::invalid_argument` for a name that is not allowed or stands twice, and for a default outside its own
/// range.
class OwnKeys {
 public:
  /// A text.
  OwnKeys& text(std::string name, std::string& value, std::string help);
  /// A text that is printed as `***`.
  OwnKeys& secret(std::string name, std::string& value, std::string help);
  /// One of these texts.
  OwnKeys& choice(std::string name, std::string& value, std::vector<std::string> allowed, std::string help);
  /// `true` or `false`.
  OwnKeys& flag(std::string name, bool& value, std::string help);
  /// A whole number from `least` to `most`.
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  OwnKeys& number(std::string name, T& value, std::type_identity_t<T> least, std::type_identity_t<T> most,
                  std::string help) {
    return whole_number(std::move(name), std::make_shared<NumberOf<T>>(value), least, most, std::move(help));
  }
  /// A time, as milliseconds or with a unit: `500ms`, `10s`, `5m`, `1h`.
  OwnKeys& duration(std::string name, std::chrono::milliseconds& value, std::chrono::milliseconds least,
                    std::chrono::milliseconds most, std::string help);

  /// The keys, in the order in which they were added.
  const std::vector<std::shared_ptr<const app::ConfigKey>>& all() const noexcept { return keys_; }

 private:
  struct Number {
    virtual ~Number() = default;
    virtual std::uint64_t get() const = 0;
    virtual void set(std::uint64_t value) = 0;
  };
  template <class T>
  struct NumberOf final : Number {
    explicit NumberOf(T& bound) : value(bound) {}
    std::uint64_t get() const override { return value; }
    void set(std::uint64_t number) override { value = static_cast<T>(number); }
    T& value;
  };

  OwnKeys& whole_number(std::string name, std::shared_ptr<Number> value, std::uint64_t least, std::uint64_t most,
                        std::string help);
  OwnKeys& add(app::ConfigKey key);

  std::vector<std::shared_ptr<const app::ConfigKey>> keys_;
};

}  // namespace tern

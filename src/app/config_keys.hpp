#pragma once

#include <tern/app/config.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::app {

/// A key of the configuration. Parsing, checking, printing, `--help` and the documentation use the table of keys.
class ConfigKey {
 public:
  /// Sets the member from a JSON value. A text from the environment or `--set` comes as a JSON string.
  /// Throws `std::invalid_argument`; its text says which values are allowed.
  using Assign = std::function<void(Settings&, const json::value&)>;
  using Read = std::function<json::value(const Settings&)>;

  ConfigKey(std::string name, std::string allowed, std::string help, Assign assign, Read read, bool secret = false)
      : name_(std::move(name)),
        allowed_(std::move(allowed)),
        help_(std::move(help)),
        assign_(std::move(assign)),
        read_(std::move(read)),
        secret_(secret) {}

  const std::string& name() const noexcept { return name_; }
  /// The variable of the environment, such as `TERN_LISTEN_PORT` for `listen.port`.
  std::string variable() const;
  /// The allowed values, in words.
  const std::string& allowed() const noexcept { return allowed_; }
  const std::string& help() const noexcept { return help_; }
  bool secret() const noexcept { return secret_; }

  void assign(Settings& settings, const json::value& value) const { assign_(settings, value); }
  /// The value as it is printed, with units for durations and sizes.
  json::value read(const Settings& settings) const { return read_(settings); }

 private:
  std::string name_;
  std::string allowed_;
  std::string help_;
  Assign assign_;
  Read read_;
  bool secret_;
};

/// The beginning of the names of the environment's variables.
inline constexpr std::string_view variable_prefix = "TERN_";

/// All keys of Tern, in the order in which they are printed.
const std::vector<ConfigKey>& config_keys();

}  // namespace tern::app

#pragma once

#include <tern/app/config.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::app {

/// One key of the configuration. The table of them drives parsing, checking, printing, `--help` and the documentation.
class ConfigKey {
 public:
  /// Sets the member from a JSON value, or from text (environment, `--set`) given as a JSON string.
  /// Throws `std::invalid_argument` whose text says what is allowed.
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
  /// `listen.port` as `TERN_LISTEN_PORT`.
  std::string variable() const;
  /// What values are taken, in words.
  const std::string& allowed() const noexcept { return allowed_; }
  const std::string& help() const noexcept { return help_; }
  bool secret() const noexcept { return secret_; }

  void assign(Settings& settings, const json::value& value) const { assign_(settings, value); }
  /// The value as it is printed: durations and sizes with units.
  json::value read(const Settings& settings) const { return read_(settings); }

 private:
  std::string name_;
  std::string allowed_;
  std::string help_;
  Assign assign_;
  Read read_;
  bool secret_;
};

/// What the names of variables of the environment begin with.
inline constexpr std::string_view variable_prefix = "TERN_";

/// All keys of Tern, in the order in which they are printed.
const std::vector<ConfigKey>& config_keys();

}  // namespace tern::app

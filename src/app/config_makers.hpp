#pragma once

#include "app/config_keys.hpp"
#include "app/config_values.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

/// Makes keys of the common kinds for members of the settings.
namespace tern::app {

inline constexpr std::chrono::milliseconds shortest_duration{1};
inline constexpr std::chrono::milliseconds longest_duration{24 * 3'600'000};

/// A member of a group of the settings.
template <class Group, class Member>
struct Setting {
  Group Settings::* group;
  Member Group::* member;

  Member& in(Settings& settings) const { return settings.*group.*member; }
  const Member& in(const Settings& settings) const { return settings.*group.*member; }
};

template <class Group, class Member>
Setting(Group Settings::*, Member Group::*) -> Setting<Group, Member>;

template <class P>
ConfigKey number_key(std::string name, P setting, std::uint64_t least, std::uint64_t most, std::string help) {
  auto allowed = "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  return {std::move(name), allowed, std::move(help),
          [=](Settings& settings, const json::value& value) {
            const auto number = read_number(value);
            if (!number || *number < least || *number > most) {
              throw std::invalid_argument(allowed);
            }
            using Member = std::remove_reference_t<decltype(setting.in(settings))>;
            setting.in(settings) = static_cast<Member>(*number);
          },
          [=](const Settings& settings) { return json::value(static_cast<std::uint64_t>(setting.in(settings))); }};
}

// A secret is long enough that nobody guesses it, and has only characters that a header may have.
template <class P>
ConfigKey secret_key(std::string name, P setting, std::string help) {
  constexpr std::size_t shortest_secret = 16;
  constexpr std::size_t longest_secret = 1024;
  const std::string allowed = "16 to 1024 letters, digits and other characters of ASCII without spaces";
  return {std::move(name),
          allowed,
          std::move(help),
          [=](Settings& settings, const json::value& value) {
            const bool text = value.is_string();
            const auto secret = text ? std::string(value.as_string()) : std::string();
            const bool printable =
                std::all_of(secret.begin(), secret.end(), [](char c) { return c > ' ' && c <= '~'; });
            const bool long_enough = secret.size() >= shortest_secret && secret.size() <= longest_secret;
            if (!text || !printable || !(secret.empty() || long_enough)) {
              throw std::invalid_argument(allowed);
            }
            setting.in(settings) = secret;
          },
          [=](const Settings& settings) { return json::value(setting.in(settings)); },
          true};
}

template <class P>
ConfigKey size_key(std::string name, P setting, std::uint64_t least, std::uint64_t most, std::string help) {
  auto allowed = "bytes from " + write_size(least) + " to " + write_size(most) + ", as a number or with KiB, MiB, GiB";
  return {std::move(name), allowed, std::move(help),
          [=](Settings& settings, const json::value& value) {
            const auto size = read_size(value);
            if (!size || *size < least || *size > most) {
              throw std::invalid_argument(allowed);
            }
            setting.in(settings) = *size;
          },
          [=](const Settings& settings) { return json::value(write_size(setting.in(settings))); }};
}

template <class P>
ConfigKey duration_key(std::string name, P setting, std::string help,
                       std::chrono::milliseconds least = shortest_duration) {
  const std::string allowed = "a time from " + write_duration(least) + " to 24h, as milliseconds or with ms, s, m, h";
  return {std::move(name), allowed, std::move(help),
          [=](Settings& settings, const json::value& value) {
            const auto duration = read_duration(value);
            if (!duration || *duration < least || *duration > longest_duration) {
              throw std::invalid_argument(allowed);
            }
            setting.in(settings) = *duration;
          },
          [=](const Settings& settings) { return json::value(write_duration(setting.in(settings))); }};
}

template <class P>
ConfigKey bool_key(std::string name, P setting, std::string help) {
  return {std::move(name), "true or false", std::move(help),
          [=](Settings& settings, const json::value& value) {
            const auto flag = read_bool(value);
            if (!flag) {
              throw std::invalid_argument("true or false");
            }
            setting.in(settings) = *flag;
          },
          [=](const Settings& settings) { return json::value(setting.in(settings)); }};
}

template <class P>
ConfigKey text_key(std::string name, P setting, std::string allowed, std::string help, bool secret = false) {
  return {std::move(name),
          allowed,
          std::move(help),
          [=](Settings& settings, const json::value& value) {
            if (!value.is_string()) {
              throw std::invalid_argument(allowed);
            }
            setting.in(settings) = std::string(value.as_string());
          },
          [=](const Settings& settings) { return json::value(setting.in(settings)); },
          secret};
}

/// A text for which `is_allowed` returns true.
template <class P>
ConfigKey checked_key(std::string name, P setting, bool (*is_allowed)(std::string_view), std::string allowed,
                      std::string help) {
  return {std::move(name), allowed, std::move(help),
          [=](Settings& settings, const json::value& value) {
            if (!value.is_string() || !is_allowed(value.get_string())) {
              throw std::invalid_argument(allowed);
            }
            setting.in(settings) = std::string(value.get_string());
          },
          [=](const Settings& settings) { return json::value(setting.in(settings)); }};
}

/// One of a few words. Each choice is a word and its value.
template <class P, class Value, std::size_t N>
ConfigKey choice_key(std::string name, P setting, std::array<std::pair<std::string_view, Value>, N> choices,
                     std::string help) {
  std::string allowed;
  for (const auto& [word, meaning] : choices) {
    allowed += (allowed.empty() ? "" : ", ") + std::string(word);
  }
  return {std::move(name), allowed, std::move(help),
          [=](Settings& settings, const json::value& value) {
            for (const auto& [word, meaning] : choices) {
              if (value.is_string() && value.as_string() == word) {
                setting.in(settings) = meaning;
                return;
              }
            }
            throw std::invalid_argument(allowed);
          },
          [=](const Settings& settings) {
            for (const auto& [word, meaning] : choices) {
              if (setting.in(settings) == meaning) {
                return json::value(word);
              }
            }
            return json::value();
          }};
}

}  // namespace tern::app

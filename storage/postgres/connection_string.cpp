#include "connection_string.hpp"

#include <tern/error.hpp>

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <memory>

namespace tern::detail::pg {

namespace {

using Values = std::map<std::string, std::string, std::less<>>;

constexpr const char* unreadable =
    "The URL of the Postgres storage cannot be read. It looks like "
    "postgresql://user:password@host:5432/database?sslmode=require, with special characters percent-encoded (in a "
    "password @ is %40, / is %2F, : is %3A, and % is %25).";

/// The values that libpq reads; nullopt when it cannot. Its message repeats parts of the URL, perhaps a password, so
/// it is not passed on.
std::optional<Values> parse(const std::string& url) {
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(PQconninfoParse(url.c_str(), &message),
                                                                             &PQconninfoFree);
  PQfreemem(message);
  if (!options || url.empty() || url.find('\0') != std::string::npos) {
    return std::nullopt;
  }
  Values values;
  for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) {
      values.emplace(option->keyword, option->val);
    }
  }
  return values;
}

/// Whether an `@` stands where libpq takes it for a part of the host or the database: then the password has a character
/// that ends it, such as the `/` of `postgresql://bot:se/cret@host/db`, and the rest would be shown in every message.
bool has_password_elsewhere(std::string_view url) {
  const auto scheme = url.find("://");
  if (!url.starts_with("postgres") || scheme == std::string_view::npos) {
    return false;
  }
  url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find('?'));  // behind it a user may be named as `user@server`
  const auto at = url.rfind('@');
  return at != std::string_view::npos && (at > url.find('/') || at != url.find('@'));
}

/// Whether `value` is a list of what `is_one` accepts; an item may be empty, which leaves it to libpq.
template <class IsOne>
bool is_list(std::string_view value, IsOne is_one) {
  for (;;) {
    const auto comma = value.find(',');
    const auto item = value.substr(0, comma);
    if (!item.empty() && !is_one(item)) {
      return false;
    }
    if (comma == std::string_view::npos) {
      return true;
    }
    value.remove_prefix(comma + 1);
  }
}

std::optional<long> whole_number_in(std::string_view text) {
  long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

bool is_port(std::string_view text) {
  const auto port = whole_number_in(text);
  return port && *port >= 1 && *port <= 65535;
}

bool is_number(std::string_view text) {
  return whole_number_in(text).has_value();
}

/// Values that libpq refuses each time it connects, and repeats in its message.
struct Rule {
  std::string_view keyword;
  bool (*accepts)(std::string_view value);
  const char* allowed;
};

template <const auto& Words>
bool is_one_of(std::string_view value) {
  return std::find(Words.begin(), Words.end(), value) != Words.end();
}

constexpr std::array<std::string_view, 6> ssl_modes{"disable", "allow",     "prefer",
                                                    "require", "verify-ca", "verify-full"};
constexpr std::array<std::string_view, 3> needs{"disable", "prefer", "require"};
constexpr std::array<std::string_view, 6> sessions{"any",     "read-write", "read-only",
                                                   "primary", "standby",    "prefer-standby"};

constexpr std::array rules{
    Rule{"port", [](std::string_view value) { return is_list(value, is_port); }, "a number from 1 to 65535"},
    Rule{"sslmode", is_one_of<ssl_modes>, "disable, allow, prefer, require, verify-ca or verify-full"},
    Rule{"gssencmode", is_one_of<needs>, "disable, prefer or require"},
    Rule{"channel_binding", is_one_of<needs>, "disable, prefer or require"},
    Rule{"target_session_attrs", is_one_of<sessions>, "any, read-write, read-only, primary, standby or prefer-standby"},
    Rule{"connect_timeout", is_number, "a number of seconds"},
    Rule{"keepalives", is_number, "0 or 1"},
    Rule{"keepalives_idle", is_number, "a number of seconds"},
    Rule{"keepalives_interval", is_number, "a number of seconds"},
    Rule{"keepalives_count", is_number, "a number"},
    Rule{"tcp_user_timeout", is_number, "a number of milliseconds"},
};

std::optional<std::string> obstacle_in(const std::string& url, const std::optional<Values>& values) {
  if (!values || has_password_elsewhere(url)) {
    return unreadable;
  }
  const auto host = values->find("host");
  const auto has_at = [](std::string_view item) { return item.find('@') == std::string_view::npos || item[0] == '@'; };
  if (host != values->end() && !is_list(host->second, has_at)) {
    return unreadable;
  }
  for (const auto& rule : rules) {
    const auto found = values->find(rule.keyword);
    if (found != values->end() && !found->second.empty() && !rule.accepts(found->second)) {
      return std::string(unreadable) + " Its " + std::string(rule.keyword) + " is not " + rule.allowed + ".";
    }
  }
  return std::nullopt;
}

std::string quoted(const std::string& value) {
  std::string text = "'";
  for (const char character : value) {
    if (character == '\'' || character == '\\') {
      text += '\\';
    }
    text += character;
  }
  return text + "'";
}

}  // namespace

std::optional<std::string> obstacle_of(const std::string& url) {
  return obstacle_in(url, parse(url));
}

ConnectionString::ConnectionString(const std::string& url) {
  auto read = parse(url);
  if (const auto obstacle = obstacle_in(url, read)) {
    throw_error(errc::invalid_argument, *obstacle);
  }
  auto& values = *read;
  const auto value_of = [&](const char* keyword, const char* otherwise) {
    const auto found = values.find(keyword);
    return found == values.end() || found->second.empty() ? std::string(otherwise) : found->second;
  };
  server_ = value_of("host", value_of("hostaddr", "localhost").c_str()) + ":" + value_of("port", "5432") + "/" +
            value_of("dbname", "(the user's own)");
  for (const auto* keyword : {"password", "sslpassword"}) {
    auto secret = value_of(keyword, "");
    if (!secret.empty()) {
      secrets_.push_back(std::move(secret));
    }
  }
  values.emplace("connect_timeout", "2");
  values.emplace("application_name", "tern");
  values.emplace("keepalives_idle", "10");
  values.emplace("keepalives_interval", "5");
  values.emplace("keepalives_count", "3");
  values["client_encoding"] = "UTF8";
  for (const auto& [keyword, value] : values) {
    text_ += keyword + "=" + quoted(value) + " ";
  }
}

std::string ConnectionString::redact(std::string_view message) const {
  std::string text(message);
  for (const auto& secret : secrets_) {
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3)) {
      text.replace(at, secret.size(), "***");
    }
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
    text.pop_back();
  }
  return text;
}

}  // namespace tern::detail::pg

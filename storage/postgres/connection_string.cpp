#include "connection_string.hpp"

#include <tern/error.hpp>

#include <libpq-fe.h>

#include <map>
#include <memory>

namespace tern::detail::pg {

namespace {

std::map<std::string, std::string> parse(const std::string& url) {
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(PQconninfoParse(url.c_str(), &message),
                                                                             &PQconninfoFree);
  // libpq's message repeats parts of the URL, perhaps a password, so it is not passed on.
  PQfreemem(message);
  if (!options || url.empty() || url.find('\0') != std::string::npos) {
    throw_error(errc::invalid_argument,
                "The URL of the Postgres storage cannot be read. It looks like "
                "postgresql://user:password@host:5432/database?sslmode=require, with special characters "
                "percent-encoded (@ in a password is %40).");
  }
  std::map<std::string, std::string> values;
  for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) {
      values.emplace(option->keyword, option->val);
    }
  }
  return values;
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

ConnectionString::ConnectionString(const std::string& url) {
  auto values = parse(url);
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

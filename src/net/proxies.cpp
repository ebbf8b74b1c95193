#include "net/proxies.hpp"

#include <tern/error.hpp>

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <utility>

namespace tern::net {

namespace {

using boost::asio::ip::address;

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char letter = lower(c);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/// With each %XX as the byte that it stands for.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::string base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // OpenSSL writes a NUL behind it
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

[[noreturn]] void refuse(const char* variable, const char* why) {
  throw_error(errc::invalid_argument,
              std::string("the URL of the proxy in ") + variable + " " + why + "; write http://host:port");
}

/// `text`: `[http://][user[:password]@]host[:port][/]`.
Proxy parse_proxy(const char* variable, std::string_view text) {
  constexpr std::string_view scheme = "http://";
  if (const auto end = text.find("://"); end != std::string_view::npos) {
    std::string name(text.substr(0, end));
    std::transform(name.begin(), name.end(), name.begin(), lower);
    if (name != "http") {
      refuse(variable, "has a scheme other than http, the only one that is possible here");
    }
    text.remove_prefix(end + 3);
  }
  Proxy proxy;
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    const auto user = text.substr(0, at);
    const auto colon = std::min(user.find(':'), user.size());
    const auto password = colon < user.size() ? user.substr(colon + 1) : std::string_view();
    proxy.authorization = "Basic " + base64(decoded(user.substr(0, colon)) + ":" + decoded(password));
    text.remove_prefix(at + 1);
  }
  const std::string url = std::string(scheme) + std::string(text);
  Origin origin;
  std::string_view rest;
  if (const char* wrong = parse_origin(url, origin, rest)) {
    refuse(variable, wrong);
  }
  if (!rest.empty() && rest != "/") {
    refuse(variable, "has a path");
  }
  origin_of(origin, proxy.origin);
  proxy.name = host_name_of(origin);
  proxy.port = origin.port;
  return proxy;
}

/// The value of the first variable that is set; nullptr when neither is, or when it is empty.
const char* first_set(const Proxies::Variables& variables, std::initializer_list<const char*> names,
                      const char*& name) {
  for (const char* one : names) {
    if (const char* value = variables(one); value != nullptr) {
      name = one;
      return *value == '\0' ? nullptr : value;
    }
  }
  return nullptr;
}

template <class Bytes>
bool same_bits(const Bytes& a, const Bytes& b, unsigned bits) noexcept {
  const auto whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) {
    return false;
  }
  const unsigned rest = bits % 8;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

std::optional<address> address_of(std::string_view text) {
  boost::system::error_code no_address;
  const auto found = boost::asio::ip::make_address(text, no_address);
  return no_address ? std::nullopt : std::optional(found);
}

/// Without the dot at the end of a full name: `api.example.` and `api.example` are one host.
std::string_view without_final_dot(std::string_view name) noexcept {
  name.remove_suffix(name.ends_with('.') ? 1 : 0);
  return name;
}

}  // namespace

Proxies::Proxies(const Variables& variables) {
  const char* name = nullptr;
  if (const char* value = first_set(variables, {"https_proxy", "HTTPS_PROXY"}, name)) {
    for_https_ = parse_proxy(name, value);
  }
  if (const char* value = first_set(variables, {"http_proxy"}, name)) {
    for_http_ = parse_proxy(name, value);
  }
  if (const char* value = first_set(variables, {"no_proxy", "NO_PROXY"}, name)) {
    read_exceptions(value);
  }
}

void Proxies::read_exceptions(std::string_view list) {
  constexpr std::string_view separators = ", \t";
  while (!list.empty()) {
    const auto end = std::min(list.find_first_of(separators), list.size());
    const auto entry = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    none_ = none_ || entry == "*";
    if (auto exception = parse_exception(entry)) {
      exceptions_.push_back(std::move(*exception));
    }
  }
}

/// nullopt for an entry that stands for no host.
std::optional<Proxies::Exception> Proxies::parse_exception(std::string_view text) {
  Exception exception;
  const auto number_behind = [](std::string_view whole, std::size_t at, auto& into) {
    const auto [stop, error] = std::from_chars(whole.data() + at + 1, whole.data() + whole.size(), into);
    return error == std::errc() && stop == whole.data() + whole.size();
  };
  std::optional<unsigned> bits;
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    if (!number_behind(text, slash, bits.emplace())) {
      return std::nullopt;
    }
    text = text.substr(0, slash);
  } else if (const auto colon = text.rfind(':');
             colon != std::string_view::npos && (text.find(':') == colon || (colon > 0 && text[colon - 1] == ']'))) {
    if (!number_behind(text, colon, exception.port)) {
      return std::nullopt;
    }
    text = text.substr(0, colon);
  }
  if (text.starts_with('[') && text.ends_with(']')) {
    text = text.substr(1, text.size() - 2);
  }
  exception.address = address_of(text);
  if (exception.address) {
    const unsigned most = exception.address->is_v6() ? 128 : 32;
    exception.bits = bits.value_or(most);
    return exception.bits <= most ? std::optional(std::move(exception)) : std::nullopt;
  }
  text.remove_prefix(text.starts_with("*.") ? 2 : text.starts_with('.') ? 1 : 0);
  text = without_final_dot(text);
  exception.name.resize(text.size());
  std::transform(text.begin(), text.end(), exception.name.begin(), lower);
  return exception.name.empty() || bits ? std::nullopt : std::optional(std::move(exception));
}

bool Proxies::covers(const Exception& exception, std::string_view name, std::uint16_t port,
                     const std::optional<address>& address) noexcept {
  if (exception.port != 0 && exception.port != port) {
    return false;
  }
  if (exception.address) {
    if (!address || address->is_v6() != exception.address->is_v6()) {
      return false;
    }
    return address->is_v6()
               ? same_bits(address->to_v6().to_bytes(), exception.address->to_v6().to_bytes(), exception.bits)
               : same_bits(address->to_v4().to_bytes(), exception.address->to_v4().to_bytes(), exception.bits);
  }
  return name.ends_with(exception.name) &&
         (name.size() == exception.name.size() || name[name.size() - exception.name.size() - 1] == '.');
}

bool Proxies::is_excepted(const Origin& url) const {
  if (none_ || is_loopback(url)) {
    return true;
  }
  const auto name = host_name_of(url);
  const auto address = address_of(name);
  return std::any_of(exceptions_.begin(), exceptions_.end(), [&](const Exception& exception) {
    return covers(exception, without_final_dot(name), url.port, address);
  });
}

const Proxy* Proxies::for_request_to(const Origin& url) const {
  const auto& proxy = url.tls ? for_https_ : for_http_;
  return proxy && !is_excepted(url) ? &*proxy : nullptr;
}

Proxies Proxies::of_environment() {
  return Proxies([](const char* name) { return std::getenv(name); });
}

// Source: RFC 9110, 9.3.6.
void lead_through(const Proxy& proxy, std::string_view user_agent, HostSpec& spec) {
  const auto authority = spec.origin.substr(spec.origin.find("//") + 2);
  std::string text = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\nUser-Agent: ";
  text.append(user_agent).append("\r\n");
  if (!proxy.authorization.empty()) {
    text.append("Proxy-Authorization: ").append(proxy.authorization).append("\r\n");
  }
  text.append("\r\n");
  spec.peer.tunnel = std::move(text);
  spec.proxy = proxy.origin;
  spec.name = proxy.name;
  spec.port = proxy.port;
}

}  // namespace tern::net

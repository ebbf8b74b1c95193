#include "app/edge_rules.hpp"

#include "app/bot_keys.hpp"
#include "http/trusted_proxies.hpp"
#include "http/unix_socket_file.hpp"

#include <boost/asio/ip/address.hpp>

namespace tern::app {

namespace {

void check_address(const std::string& key, const std::string& text) {
  boost::system::error_code error;
  boost::asio::ip::make_address(text, error);
  if (error) {
    throw ConfigError(key + " is \"" + text + "\"; allowed is an IP address, such as 127.0.0.1, 0.0.0.0 or ::1" +
                      (key == "listen.address" ? ", or unix: and a path." : "."));
  }
}

void check_listen_address(const std::string& text) {
  const auto path = http::unix_path(text);
  if (!path) {
    check_address("listen.address", text);
  } else if (const auto fault = http::fault_of_unix_path(*path); !fault.empty()) {
    throw ConfigError("listen.address is \"" + text + "\", and " + fault + ".");
  }
}

void check_reach(const Settings& settings, bool asks) {
  const auto& address = settings.listen.address;
  if (!is_of_this_machine(address) && !settings.bot.allow_anonymous && !asks) {
    throw ConfigError("listen.address is " + address +
                      ", which others can reach, and without authentication nobody who speaks to the bot is checked. "
                      "Set bot.app_id, or listen on 127.0.0.1, or set bot.allow_anonymous to true if anybody may.");
  }
}

void check_certificate(const ListenSettings& listen) {
  if (listen.certificate.empty() != listen.certificate_key.empty()) {
    const bool lacks_key = listen.certificate_key.empty();
    throw ConfigError(std::string(lacks_key ? "listen.certificate" : "listen.certificate_key") + " is set, and " +
                      (lacks_key ? "listen.certificate_key" : "listen.certificate") +
                      " is not: TLS needs a certificate and its private key. Set both, to the same file if it has "
                      "both, or none.");
  }
}

bool is_any_address(const std::string& address) {
  return boost::asio::ip::make_address(address).is_unspecified();
}

// Keys that would do nothing, or hinder each other, which whoever wrote them does not expect.
void check_use(const Settings& settings) {
  const auto& listen = settings.listen;
  const bool on_file = http::unix_path(listen.address).has_value();
  const auto proxies = http::TrustedProxies::parse(listen.trusted_proxies).value_or(http::TrustedProxies());
  if (!on_file && listen.mode != ListenSettings().mode) {
    throw ConfigError("listen.mode is " + listen.mode + ", but listen.address is " + listen.address +
                      ", and only the file of a Unix socket has a mode. Leave listen.mode out, or listen on unix: and "
                      "a path.");
  }
  if (!on_file && proxies.trusts(std::nullopt)) {
    throw ConfigError("listen.trusted_proxies has unix, but listen.address is " + listen.address +
                      ", and nobody connects to a Unix socket. Name the addresses of the proxies, or listen on unix: "
                      "and a path.");
  }
  if (on_file && !proxies.empty() && !proxies.trusts(std::nullopt)) {
    throw ConfigError("listen.trusted_proxies is \"" + listen.trusted_proxies +
                      "\", but listen.address is a Unix socket, and who connects to it has no address. Add unix to the "
                      "list, so that the proxy at the socket is believed.");
  }
  const bool meet = !on_file && settings.metrics.port && *settings.metrics.port != 0 &&
                    *settings.metrics.port == listen.port &&
                    (listen.address == settings.metrics.address || is_any_address(listen.address) ||
                     is_any_address(settings.metrics.address));
  if (meet) {
    throw ConfigError("listen.port and metrics.port are both " + std::to_string(listen.port) +
                      ". Give one of them another port, or leave metrics.port out, so that the figures are served at "
                      "listen.port.");
  }
  if (!settings.metrics.port && settings.metrics.address != MetricsSettings().address) {
    throw ConfigError("metrics.address is " + settings.metrics.address +
                      ", but metrics.port is not set, so that the figures are served at listen.address. Set "
                      "metrics.port, or leave metrics.address out.");
  }
}

}  // namespace

bool is_of_this_machine(const std::string& address) {
  return http::unix_path(address) || boost::asio::ip::make_address(address).is_loopback();
}

void check_trusted_proxies(const ListenSettings& listen) {
  if (const auto fault = http::fault_of_proxies(listen.trusted_proxies); !fault.empty()) {
    throw ConfigError("listen.trusted_proxies is \"" + listen.trusted_proxies + "\": " + fault + ".");
  }
}

void check_edge(const Settings& settings, bool has_authenticator) {
  check_listen_address(settings.listen.address);
  check_address("metrics.address", settings.metrics.address);
  check_certificate(settings.listen);
  check_trusted_proxies(settings.listen);
  check_reach(settings, checks_callers(settings.bot, has_authenticator));
  check_use(settings);
}

std::vector<std::string> dangers_at_the_edge(const Settings& settings, bool has_authenticator) {
  const auto& listen = settings.listen;
  std::vector<std::string> dangers;
  const bool has_secrets = checks_callers(settings.bot, has_authenticator) || !settings.proactive.secret.empty();
  if (has_secrets && !is_of_this_machine(listen.address) && listen.certificate.empty() &&
      listen.trusted_proxies.empty()) {
    dangers.push_back(
        "listen.address is " + listen.address +
        ", and there is no TLS: callers' tokens travel in the clear, and whoever reads one on its way can "
        "use it; set listen.certificate, or put a proxy with TLS in front of the bot and name it in "
        "listen.trusted_proxies");
  }
  const auto& metrics = settings.metrics;
  if (metrics.port && !is_of_this_machine(metrics.address)) {
    dangers.push_back("metrics.address is " + metrics.address +
                      ": whoever reaches it may read the figures, which hold no secret and no message; let a firewall "
                      "say who that is");
  }
  return dangers;
}

}  // namespace tern::app

// Resolves names with c-ares: from the hosts file first, then from name servers.

#include "net/ares_channel.hpp"
#include "net/resolver.hpp"

#include <tern/async/log.hpp>

#include <boost/asio/ip/address.hpp>

#include <ares.h>
#include <netdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <unordered_set>
#include <utility>

namespace tern::net {

namespace {

constexpr std::chrono::milliseconds resolution_delay{50};  // RFC 8305, section 8
constexpr std::chrono::seconds look_interval{5};           // how often resolv.conf is checked for changes

}  // namespace

class AresResolver;

/// The resolution of one name.
struct Lookup final : TimingWheel::Entry, std::enable_shared_from_this<Lookup> {
  Lookup(AresResolver& r, std::string n, Deadline d, Resolver::Done f)
      : resolver(r), name(std::move(n)), by(d), done(std::move(f)) {}
  void on_expired() noexcept override;
  void take(const ares_addrinfo& answer);
  void forget();

  AresResolver& resolver;
  std::string name;
  Deadline by;
  Resolver::Done done;
  int asked = 0;              // questions to name servers that are not answered yet
  int status = ARES_SUCCESS;  // of a failed question; "no such name" and "no address" are no failures
  Resolution resolution;
};

void Lookup::forget() {
  asked = 0;
  status = ARES_SUCCESS;
  resolution = {};
}

void Lookup::take(const ares_addrinfo& answer) {
  int ttl = std::numeric_limits<int>::max();
  for (const auto* alias = answer.cnames; alias != nullptr; alias = alias->next) {
    ttl = std::min(ttl, alias->ttl);
  }
  for (const auto* node = answer.nodes; node != nullptr; node = node->ai_next) {
    ttl = std::min(ttl, node->ai_ttl);
    if (node->ai_family == AF_INET6) {
      asio::ip::address_v6::bytes_type bytes{};
      std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(node->ai_addr)->sin6_addr, bytes.size());
      resolution.addresses.emplace_back(asio::ip::address_v6(bytes));
    } else if (node->ai_family == AF_INET) {
      asio::ip::address_v4::bytes_type bytes{};
      std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in*>(node->ai_addr)->sin_addr, bytes.size());
      resolution.addresses.emplace_back(asio::ip::address_v4(bytes));
    }
  }
  if (answer.nodes != nullptr) {
    const std::chrono::seconds time(std::max(ttl, 0));
    resolution.ttl = resolution.end == Resolution::End::found ? std::min(resolution.ttl, time) : time;
    resolution.end = Resolution::End::found;
  }
}

class AresResolver final : public Resolver {
 public:
  AresResolver(asio::io_context& io, TimingWheel& wheel, Clock& clock, ResolverOptions options)
      : io_(io),
        wheel_(wheel),
        clock_(clock),
        options_(std::move(options)),
        hosts_file_(io, wheel, clock, AresChannel::Source::hosts_file, options_) {}

  ~AresResolver() override { lookups_.clear(); }

  void resolve(std::string name, Deadline by, Done done) override;
  void expired(Lookup& lookup) noexcept;

 private:
  static void answered_by_file(const std::shared_ptr<Lookup>& lookup, int status, const ares_addrinfo* found) noexcept;
  static void answered(const std::shared_ptr<Lookup>& lookup, int status, const ares_addrinfo* found) noexcept;
  void ask_servers(const std::shared_ptr<Lookup>& lookup);
  void finish(const std::shared_ptr<Lookup>& lookup) noexcept;
  void read_resolv_conf();

  /// Tells whether resolv.conf has changed.
  struct Stamp {
    bool readable = false;
    ino_t file = 0;
    off_t size = 0;
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
    bool operator==(const Stamp&) const = default;
  };
  static Stamp stamp_of(const std::string& path) noexcept;

  asio::io_context& io_;
  TimingWheel& wheel_;
  Clock& clock_;
  ResolverOptions options_;
  std::size_t open_ = 0;  // open questions to c-ares
  AresChannel hosts_file_;
  std::optional<AresChannel> servers_;
  Stamp stamp_;
  SteadyTime look_at_{};
  std::unordered_set<std::shared_ptr<Lookup>> lookups_;
};

void Lookup::on_expired() noexcept {
  resolver.expired(*this);
}

void AresResolver::resolve(std::string name, Deadline by, Done done) {
  if (open_ >= 2 * options_.at_once) {
    Resolution full;
    full.why = std::to_string(options_.at_once) + " names are being asked for, the most allowed";
    done(std::move(full));
    return;
  }
  const auto lookup = std::make_shared<Lookup>(*this, std::move(name), by, std::move(done));
  lookups_.insert(lookup);
  hosts_file_.ask(lookup->name, AF_UNSPEC, std::make_unique<Query>(lookup, &answered_by_file, &open_));
  if (lookup->resolution.end == Resolution::End::found) {
    finish(lookup);
    return;
  }
  read_resolv_conf();
  ask_servers(lookup);
}

/// c-ares reads the hosts file at once, so `resolve` finds this answer when `ask` has returned.
void AresResolver::answered_by_file(const std::shared_ptr<Lookup>& lookup, int status,
                                    const ares_addrinfo* found) noexcept {
  if (status == ARES_SUCCESS && found != nullptr) {
    lookup->take(*found);
  }
}

/// Asks for IPv6 and IPv4 separately, because some name servers never answer for one of them.
void AresResolver::ask_servers(const std::shared_ptr<Lookup>& lookup) {
  lookup->forget();
  lookup->asked = 2;
  wheel_.arm(*lookup, lookup->by);
  for (const int family : {AF_INET6, AF_INET}) {
    servers_->ask(lookup->name, family, std::make_unique<Query>(lookup, &answered, &open_));
  }
}

void AresResolver::answered(const std::shared_ptr<Lookup>& lookup, int status, const ares_addrinfo* found) noexcept {
  if (status == ARES_EDESTRUCTION) {
    return;  // the question was asked again on another channel
  }
  AresResolver& self = lookup->resolver;
  --lookup->asked;
  if (status == ARES_SUCCESS && found != nullptr) {
    lookup->take(*found);
  } else if (status != ARES_ENOTFOUND && status != ARES_ENODATA) {
    lookup->status = status;
  }
  if (lookup->asked == 0) {
    self.finish(lookup);
  } else if (lookup->resolution.end == Resolution::End::found) {
    self.wheel_.arm(*lookup, lookup->by.min(Deadline::after(resolution_delay, self.clock_)));
  }
}

void AresResolver::expired(Lookup& lookup) noexcept {
  Resolution& resolution = lookup.resolution;
  if (resolution.end == Resolution::End::found) {
    resolution.ttl = std::chrono::seconds(0);  // one family is missing, so the name is resolved again soon
  } else {
    resolution.end = Resolution::End::late;
    resolution.why = "no name server has answered in time";
  }
  finish(lookup.shared_from_this());
}

void AresResolver::finish(const std::shared_ptr<Lookup>& lookup) noexcept {
  Resolution& resolution = lookup->resolution;
  wheel_.disarm(*lookup);
  lookups_.erase(lookup);
  if (resolution.end == Resolution::End::failed && lookup->status == ARES_SUCCESS) {
    resolution.end = Resolution::End::no_such_name;
    resolution.why = "no name server knows an address of it";
  } else if (resolution.end == Resolution::End::failed) {
    resolution.why = ares_strerror(lookup->status);
  }
  const bool unanswered = resolution.end == Resolution::End::failed || resolution.end == Resolution::End::late;
  if (unanswered && options_.nameservers.empty() && !stamp_.readable) {
    resolution.why += " (" + options_.resolv_conf + ", which names them, cannot be read)";
  }
  lookup->done(std::move(resolution));
}

AresResolver::Stamp AresResolver::stamp_of(const std::string& path) noexcept {
  struct stat file{};
  if (::stat(path.c_str(), &file) != 0 || ::access(path.c_str(), R_OK) != 0) {
    return {};
  }
  return {true, file.st_ino, file.st_size, file.st_mtim.tv_sec, file.st_mtim.tv_nsec};
}

/// c-ares 1.18 reads resolv.conf only when a channel is made, so a new channel is made when the file has changed.
void AresResolver::read_resolv_conf() {
  const SteadyTime now = clock_.now();
  if (servers_ && (!options_.nameservers.empty() || now < look_at_)) {
    return;
  }
  look_at_ = now + look_interval;
  const Stamp stamp = stamp_of(options_.resolv_conf);
  if (servers_ && stamp == stamp_) {
    return;
  }
  if (servers_) {
    log::info("name servers are read again", {{"file", options_.resolv_conf}});
  }
  stamp_ = stamp;
  servers_.emplace(io_, wheel_, clock_, AresChannel::Source::servers, options_);
  const std::vector<std::shared_ptr<Lookup>> interrupted(lookups_.begin(), lookups_.end());
  for (const auto& lookup : interrupted) {
    if (lookup->asked > 0) {
      ask_servers(lookup);
    }
  }
}

std::unique_ptr<Resolver> make_resolver(asio::io_context& io, TimingWheel& wheel, Clock& clock,
                                        ResolverOptions options) {
  return std::make_unique<AresResolver>(io, wheel, clock, std::move(options));
}

}  // namespace tern::net

#include "net/ares_channel.hpp"

#include <tern/async/log.hpp>
#include <tern/error.hpp>

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <ares.h>
#include <netdb.h>

#include <cstring>
#include <utility>
#include <vector>

namespace tern::net {

namespace {

// A name server is asked again after 1 s, and once more 2 s later. When there is a second name server, one that does
// not answer costs 1 s.
constexpr int try_milliseconds = 1'000;
constexpr int tries = 3;

using Descriptor = asio::posix::basic_stream_descriptor<asio::io_context::executor_type>;

/// Sets the name servers of the channel; `ares_set_servers_ports` takes a linked list.
int set_servers(ares_channel channel, const std::vector<asio::ip::udp::endpoint>& servers) {
  std::vector<ares_addr_port_node> nodes(servers.size());
  for (std::size_t i = 0; i < servers.size(); ++i) {
    nodes[i].next = i + 1 < servers.size() ? &nodes[i + 1] : nullptr;
    nodes[i].udp_port = nodes[i].tcp_port = servers[i].port();
    const asio::ip::address& where = servers[i].address();
    nodes[i].family = where.is_v6() ? AF_INET6 : AF_INET;
    if (where.is_v6()) {
      const auto bytes = where.to_v6().to_bytes();
      std::memcpy(&nodes[i].addr.addr6, bytes.data(), bytes.size());
    } else {
      const auto bytes = where.to_v4().to_bytes();
      std::memcpy(&nodes[i].addr.addr4, bytes.data(), bytes.size());
    }
  }
  return ares_set_servers_ports(channel, nodes.data());
}

}  // namespace

/// A socket of c-ares, while c-ares has it open. A wait that is under way keeps the object alive.
struct Watched {
  Watched(AresChannel& c, asio::io_context& io) : channel(&c), descriptor(io.get_executor()) {}

  static void wait(const std::shared_ptr<Watched>& self) {
    if (self->want_read && !self->reading) {
      self->reading = true;
      self->descriptor.async_wait(Descriptor::wait_read, [self](error_code error) {
        self->reading = false;
        ready(self, error, self->descriptor.native_handle(), ARES_SOCKET_BAD);
      });
    }
    if (self->want_write && !self->writing) {
      self->writing = true;
      self->descriptor.async_wait(Descriptor::wait_write, [self](error_code error) {
        self->writing = false;
        ready(self, error, ARES_SOCKET_BAD, self->descriptor.native_handle());
      });
    }
  }

  static void ready(const std::shared_ptr<Watched>& self, error_code error, int readable, int writable) {
    if (self->channel == nullptr || error) {
      return;
    }
    self->channel->process(readable, writable);
    if (self->channel != nullptr) {
      wait(self);
    }
  }

  AresChannel* channel;  // nullptr once c-ares has closed it
  Descriptor descriptor;
  bool want_read = false;
  bool want_write = false;
  bool reading = false;
  bool writing = false;
};

AresChannel::AresChannel(asio::io_context& io, TimingWheel& wheel, Clock& clock, Source source,
                         const ResolverOptions& asked)
    : io_(io), wheel_(wheel), clock_(clock) {
  static const int library = ares_library_init(ARES_LIB_INIT_ALL);
  std::string lookups = source == Source::hosts_file ? "f" : "b";
  std::string resolv_conf = asked.resolv_conf;
  ares_options options{};
  int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF |
             ARES_OPT_UDP_PORT | ARES_OPT_TCP_PORT;
  options.timeout = try_milliseconds;
  options.tries = tries;
  options.lookups = lookups.data();
  options.sock_state_cb = &AresChannel::on_socket;
  options.sock_state_cb_data = this;
  options.resolvconf_path = resolv_conf.data();
  options.udp_port = options.tcp_port = asked.port;
  if (!asked.nameservers.empty()) {
    mask |= ARES_OPT_DOMAINS;  // no search list
  }
  status_ = library == ARES_SUCCESS ? ares_init_options(&channel_, &options, mask) : library;
  if (status_ != ARES_SUCCESS) {
    channel_ = nullptr;
  } else if (!asked.nameservers.empty()) {
    status_ = set_servers(channel_, asked.nameservers);
  }
}

AresChannel::~AresChannel() {
  if (channel_ != nullptr) {
    ares_destroy(channel_);  // calls `watch` for each socket that it closes
  }
}

void AresChannel::ask(const std::string& name, int family, std::unique_ptr<Query> query) {
  ++*query->open;
  if (status_ != ARES_SUCCESS) {
    on_answer(query.release(), status_, 0, nullptr);
    return;
  }
  ares_addrinfo_hints hints{};
  hints.ai_family = family;
  hints.ai_flags = ARES_AI_NOSORT;  // `Addresses` sorts them
  ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, &AresChannel::on_answer, query.release());
  arm();
}

void AresChannel::on_answer(void* query, int status, int, ares_addrinfo* found) noexcept {
  const std::unique_ptr<Query> owned(static_cast<Query*>(query));
  --*owned->open;
  if (const auto lookup = owned->lookup.lock()) {
    owned->answered(lookup, status, found);
  }
  ares_freeaddrinfo(found);
}

void AresChannel::on_socket(void* self, int socket, int readable, int writable) noexcept {
  static_cast<AresChannel*>(self)->watch(socket, readable != 0, writable != 0);
}

void AresChannel::on_expired() noexcept {
  process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void AresChannel::watch(int socket, bool readable, bool writable) {
  auto found = sockets_.find(socket);
  if (!readable && !writable) {
    if (found != sockets_.end()) {
      found->second->channel = nullptr;
      found->second->descriptor.release();  // c-ares closes it itself
      sockets_.erase(found);
    }
    return;
  }
  if (found == sockets_.end()) {
    auto watched = std::make_shared<Watched>(*this, io_);
    error_code failed;
    watched->descriptor.assign(socket, failed);
    if (failed) {
      log::warn("socket of a name server cannot be watched", {{"error", failed.message()}});
      return;  // the time-out ends the question
    }
    found = sockets_.emplace(socket, std::move(watched)).first;
  }
  found->second->want_read = readable;
  found->second->want_write = writable;
  Watched::wait(found->second);
}

void AresChannel::process(int readable, int writable) {
  ares_process_fd(channel_, readable, writable);
  arm();
}

void AresChannel::arm() noexcept {
  timeval left{};
  if (ares_timeout(channel_, nullptr, &left) == nullptr) {
    wheel_.disarm(*this);
    return;
  }
  const auto time = std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
  wheel_.arm(*this, Deadline::after(time, clock_));
}

}  // namespace tern::net

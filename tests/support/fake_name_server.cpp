#include "support/fake_name_server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cctype>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

namespace tern::test {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;

namespace {

constexpr auto tuple = asio::as_tuple(asio::deferred);
constexpr std::size_t header_size = 12;
constexpr unsigned type_a = 1;
constexpr unsigned type_aaaa = 28;

struct Question {
  std::string name;   // in lower case
  unsigned type = 0;  // as in DNS
  std::string id;     // two bytes
  std::string text;   // the question as it came
};

unsigned number_at(const std::string& bytes, std::size_t at) {
  return static_cast<unsigned>(static_cast<unsigned char>(bytes[at])) << 8 | static_cast<unsigned char>(bytes[at + 1]);
}

std::string two_bytes(unsigned value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}

std::optional<Question> parse(const std::string& message) {
  if (message.size() < header_size + 5) {
    return std::nullopt;
  }
  Question question;
  std::size_t at = header_size;
  while (at < message.size() && message[at] != 0) {
    const auto length = static_cast<std::size_t>(static_cast<unsigned char>(message[at]));
    if (!question.name.empty()) {
      question.name += '.';
    }
    for (std::size_t i = at + 1; i <= at + length && i < message.size(); ++i) {
      question.name += static_cast<char>(std::tolower(static_cast<unsigned char>(message[i])));
    }
    at += length + 1;
  }
  if (at + 5 > message.size()) {
    return std::nullopt;
  }
  question.id = message.substr(0, 2);
  question.type = number_at(message, at + 1);
  question.text = message.substr(header_size, at + 5 - header_size);
  return question;
}

std::string record(const Question& question, const asio::ip::address& address, std::uint32_t ttl) {
  std::string data;
  if (address.is_v6()) {
    const auto bytes = address.to_v6().to_bytes();
    data.assign(bytes.begin(), bytes.end());
  } else {
    const auto bytes = address.to_v4().to_bytes();
    data.assign(bytes.begin(), bytes.end());
  }
  return two_bytes(0xc00c) + two_bytes(question.type) + two_bytes(1) + two_bytes(ttl >> 16) + two_bytes(ttl & 0xffff) +
         two_bytes(static_cast<unsigned>(data.size())) + data;
}

std::string render(const Question& question, const FakeRecords& records, bool over_tcp) {
  const bool cut = records.truncated && !over_tcp;
  std::string answers;
  unsigned count = 0;
  for (const std::string& text : records.addresses) {
    const auto address = asio::ip::make_address(text);
    if (!cut && question.type == (address.is_v6() ? type_aaaa : type_a)) {
      answers += record(question, address, records.ttl);
      ++count;
    }
  }
  const unsigned flags = 0x8180U | static_cast<unsigned>(records.code) | (cut ? 0x0200U : 0U);
  return question.id + two_bytes(flags) + two_bytes(1) + two_bytes(count) + two_bytes(0) + two_bytes(0) +
         question.text + answers;
}

}  // namespace

FakeRecords FakeRecords::at(std::vector<std::string> addresses, std::uint32_t ttl) {
  FakeRecords records;
  records.addresses = std::move(addresses);
  records.ttl = ttl;
  return records;
}

FakeRecords FakeRecords::error(int code) {
  FakeRecords records;
  records.code = code;
  return records;
}

struct FakeNameServer::Impl {
  using Send = std::function<void(std::string)>;

  struct Held {
    Question question;
    bool over_tcp;
    Send send;
  };

  Impl(const asio::ip::address& address, std::uint16_t port) {
    // The same port for both; another one where it is taken for TCP.
    for (int attempt = 0;; ++attempt) {
      boost::system::error_code failed;
      udp_socket.emplace(io, udp::endpoint(address, port));
      acceptor.emplace(io, tcp::v4());
      acceptor->bind({address, udp_socket->local_endpoint().port()}, failed);
      if (!failed) {
        break;
      }
      if (attempt == 100) {
        throw std::runtime_error("no port is free for UDP and TCP");
      }
    }
    acceptor->listen();
    where = udp_socket->local_endpoint();
    asio::co_spawn(io, serve_udp(), rethrow);
    asio::co_spawn(io, serve_tcp(), rethrow);
    thread = std::thread([this] { io.run(); });
  }

  ~Impl() {
    io.stop();
    thread.join();
  }

  static void rethrow(std::exception_ptr error) {
    if (error) {
      std::rethrow_exception(error);
    }
  }

  asio::awaitable<void> serve_udp() {
    std::string message(4096, '\0');
    udp::endpoint from;
    for (;;) {
      auto [failed, size] = co_await udp_socket->async_receive_from(asio::buffer(message), from, tuple);
      if (!failed) {
        take(message.substr(0, size), false, [this, from](const std::string& answer) {
          boost::system::error_code ignored;
          udp_socket->send_to(asio::buffer(answer), from, 0, ignored);
        });
      }
    }
  }

  asio::awaitable<void> serve_tcp() {
    for (;;) {
      auto [failed, socket] = co_await acceptor->async_accept(tuple);
      if (!failed) {
        asio::co_spawn(io, serve(std::make_shared<tcp::socket>(std::move(socket))), rethrow);
      }
    }
  }

  asio::awaitable<void> serve(std::shared_ptr<tcp::socket> socket) {
    for (;;) {
      std::string length(2, '\0');
      auto [gone, got] = co_await asio::async_read(*socket, asio::buffer(length), tuple);
      if (gone) {
        co_return;
      }
      std::string message(number_at(length, 0), '\0');
      auto [cut, read] = co_await asio::async_read(*socket, asio::buffer(message), tuple);
      if (cut) {
        co_return;
      }
      take(message, true, [socket](const std::string& answer) {
        boost::system::error_code ignored;
        asio::write(*socket, asio::buffer(two_bytes(static_cast<unsigned>(answer.size())) + answer), ignored);
      });
    }
  }

  void take(const std::string& message, bool over_tcp, Send send) {
    const auto question = parse(message);
    if (!question) {
      return;
    }
    FakeRecords records = FakeRecords::error(3);
    {
      const std::lock_guard lock(mutex);
      ++asked[question->name];
      ++all;
      tcp_questions += over_tcp ? 1 : 0;
      if (const auto found = scripts.find(question->name); found != scripts.end()) {
        records = found->second;
      }
    }
    if (records.silent || (records.silent_for_ipv6 && question->type == type_aaaa)) {
      return;
    }
    if (records.held) {
      held.push_back({*question, over_tcp, std::move(send)});
      return;
    }
    send(render(*question, records, over_tcp));
  }

  void release() {
    for (Held& one : std::exchange(held, {})) {
      FakeRecords records;
      {
        const std::lock_guard lock(mutex);
        records = scripts.at(one.question.name);
      }
      one.send(render(one.question, records, one.over_tcp));
    }
  }

  asio::io_context io{1};
  std::optional<udp::socket> udp_socket;
  std::optional<tcp::acceptor> acceptor;
  udp::endpoint where;
  std::vector<Held> held;  // of the thread
  mutable std::mutex mutex;
  std::map<std::string, FakeRecords> scripts;
  std::map<std::string, std::size_t> asked;
  std::size_t all = 0;
  std::size_t tcp_questions = 0;
  std::thread thread;
};

FakeNameServer::FakeNameServer(const std::string& address, std::uint16_t port)
    : impl_(std::make_unique<Impl>(asio::ip::make_address(address), port)) {}

FakeNameServer::~FakeNameServer() = default;

udp::endpoint FakeNameServer::endpoint() const {
  return impl_->where;
}

void FakeNameServer::answer(const std::string& name, FakeRecords records) {
  const std::lock_guard lock(impl_->mutex);
  impl_->scripts[name] = std::move(records);
}

void FakeNameServer::release() {
  asio::post(impl_->io, [impl = impl_.get()] { impl->release(); });
}

std::size_t FakeNameServer::questions(const std::string& name) const {
  const std::lock_guard lock(impl_->mutex);
  const auto found = impl_->asked.find(name);
  return found == impl_->asked.end() ? 0 : found->second;
}

std::size_t FakeNameServer::questions() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->all;
}

std::size_t FakeNameServer::questions_over_tcp() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->tcp_questions;
}

}  // namespace tern::test

#include "http/request_reader.hpp"

#include <gtest/gtest.h>

#include "support/random_seed.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace tern::http {
namespace {

/// A connection's bytes, cut anywhere, beside the plain list of the requests that they are.
class ReaderModel {
 public:
  explicit ReaderModel(std::mt19937_64& random) : random_(random), reader_({.header = 8'000, .body = 300'000}) {}

  /// What is wrong afterwards, "" when nothing is.
  std::string step() {
    if (bytes_.size() < 1'000) {
      add_request();
    }
    give();
    if (random_() % 4 == 0) {
      return {};  // more comes before anybody looks
    }
    return parse();
  }

 private:
  using Step = RequestReader::Step;
  struct Sent {
    std::string path;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
  };

  std::string text(std::size_t most) { return std::string(random_() % (most + 1), letter()); }
  char letter() { return static_cast<char>('a' + random_() % 26); }

  void add_request() {
    Sent sent;
    sent.path = "/" + text(100);
    const auto longest = random_() % 10 == 0 ? 1'000 : 20;
    for (auto count = random_() % 6; count > 0; --count) {
      sent.headers.emplace_back("X-" + std::to_string(count), std::string(1, letter()) + text(longest));
    }
    sent.body = text(random_() % 10 == 0 ? 200'000 : 500);
    bytes_ += random_() % 5 == 0 ? "\r\n" : "";
    bytes_ += "POST " + sent.path + " HTTP/1.1\r\nHost: x\r\n";
    for (const auto& [name, value] : sent.headers) {
      bytes_ += name + ": " + value + "\r\n";
    }
    if (random_() % 2 == 0) {
      bytes_ += "Content-Length: " + std::to_string(sent.body.size()) + "\r\n\r\n" + sent.body;
    } else {
      bytes_ += "Transfer-Encoding: chunked\r\n\r\n" + in_chunks(sent.body) + "0\r\n\r\n";
    }
    sent_.push_back(std::move(sent));
  }

  std::string in_chunks(std::string_view body) {
    std::string chunks;
    while (!body.empty()) {
      const auto size = std::min<std::size_t>(body.size(), 1 + random_() % 50'000);
      char head[20];
      std::snprintf(head, sizeof head, "%zx\r\n", size);
      chunks.append(head).append(body.substr(0, size)).append("\r\n");
      body.remove_prefix(size);
    }
    return chunks;
  }

  // As much as is there, a byte, or anything between; at times far ahead of the parser.
  void give() {
    const auto room = reader_.prepare();
    const auto most = std::min(room.size(), bytes_.size());
    const auto size = random_() % 3 == 0 ? most : std::min<std::size_t>(most, random_() % 50);
    std::memcpy(room.data(), bytes_.data(), size);
    reader_.commit(size);
    bytes_.erase(0, size);
  }

  std::string parse() {
    for (;;) {
      const auto step = reader_.parse();
      if (step == Step::need_input) {
        if (!reader_.started() && random_() % 4 == 0) {
          reader_.release();
        }
        return {};
      }
      if (step != Step::complete) {
        return "it refuses what is right";
      }
      if (auto wrong = compare(); !wrong.empty()) {
        return wrong;
      }
      reader_.next();
      sent_.pop_front();
    }
  }

  std::string compare() {
    if (sent_.empty()) {
      return "it finds more requests than were sent";
    }
    const auto& sent = sent_.front();
    auto& request = reader_.request();
    if (request.path() != sent.path || request.body() != sent.body) {
      return "it finds another path or body";
    }
    for (const auto& [name, value] : sent.headers) {
      if (request.header(name) != value) {
        return "it finds another value of " + name;
      }
    }
    return request.header("X-9") ? "it finds a header that was not sent" : "";
  }

  std::mt19937_64& random_;
  RequestReader reader_;
  std::string bytes_;  ///< not given yet
  std::deque<Sent> sent_;
};

TEST(RequestReader, DoesWhatAPlainListDoesHoweverBytesCome) {
  const auto seed = test::random_seed();
  SCOPED_TRACE("TERN_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int run = 0; run < 20; ++run) {
    ReaderModel model(random);
    for (int step = 0; step < 400; ++step) {
      ASSERT_EQ(model.step(), "") << "run " << run << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace tern::http

// A server on a Unix socket: its file, and who its clients are.
#include "http_fixture.hpp"

#include "http/unix_socket_file.hpp"
#include "support/temporary_folder.hpp"

#include <tern/error.hpp>

#include <gmock/gmock.h>

#include <boost/asio/local/stream_protocol.hpp>

#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

namespace tern::test {
namespace {

using testing::HasSubstr;
using Local = boost::asio::local::stream_protocol;

class HttpServerUnix : public HttpServerTest {
 protected:
  void SetUp() override { serve("unix", 0640); }

  void serve(const std::string& trusted, mode_t mode) {
    server = std::make_unique<http::Server>(std::vector<http::ServerShard>{{io, *wheel}}, handler, http::ServerLimits(),
                                            clock, metrics);
    server->trust(http::TrustedProxies::parse(trusted).value());
    server->listen("unix:" + path(), 0, mode);
    server->start();
    settle();
  }
  std::string path() const { return (folder.path() / "bot.sock").string(); }

  /// The whole answer to a request whose connection is closed after it.
  std::string ask(const std::string& headers) {
    Local::socket client(io);
    client.connect(Local::endpoint(path()));
    client.non_blocking(true);
    client.send(boost::asio::buffer("GET /info HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + headers + "\r\n"));
    std::string answer;
    boost::system::error_code ec;
    until([&] {
      char bytes[4096];
      const auto n = client.read_some(boost::asio::buffer(bytes), ec);
      answer.append(bytes, n);
      return ec == boost::asio::error::eof;
    });
    return answer;
  }
  std::string refusal() {
    http::Server second({{io, *wheel}}, handler, http::ServerLimits(), clock, metrics);
    try {
      second.listen("unix:" + path(), 0);
    } catch (const Error& e) {
      return e.what();
    }
    return "it listens";
  }

  TemporaryFolder folder;
};

TEST_F(HttpServerUnix, AnswersAndKnowsClientsByTheirProxyAlone) {
  EXPECT_THAT(ask("X-Forwarded-For: 192.0.2.1\r\n"), HasSubstr("|192.0.2.1|"));
  EXPECT_THAT(ask(""), HasSubstr("|unix|"));
  EXPECT_EQ(server->port(), 0);
  server.reset();
  settle();
  serve("127.0.0.0/8", 0640);
  EXPECT_THAT(ask("X-Forwarded-For: 192.0.2.1\r\n"), HasSubstr("|unix|"));
}

TEST_F(HttpServerUnix, ItsFileHasTheModeAndGoesWithIt) {
  struct stat found{};
  ASSERT_EQ(::stat(path().c_str(), &found), 0);
  EXPECT_TRUE(S_ISSOCK(found.st_mode));
  EXPECT_EQ(found.st_mode & 0777U, 0640U);
  server->stop_accepting();
  settle();
  EXPECT_FALSE(std::filesystem::exists(path()));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "its lock is gone as well";
}

TEST_F(HttpServerUnix, AFileThatNobodyListensOnIsReplaced) {
  server.reset();
  settle();
  {
    Local::acceptor dead(io, Local::endpoint(path()));  // its file stays
  }
  ASSERT_TRUE(std::filesystem::exists(path()));
  serve("unix", 0600);
  EXPECT_THAT(ask(""), HasSubstr("|unix|"));
}

TEST_F(HttpServerUnix, AnythingElseAtThePathIsLeftAlone) {
  EXPECT_THAT(refusal(), HasSubstr("another program listens there"));
  EXPECT_THAT(ask(""), HasSubstr("|unix|")) << "the first one goes on";
  server.reset();
  settle();
  std::ofstream(path()) << "a text";
  EXPECT_THAT(refusal(), HasSubstr("a file that is no socket"));
  EXPECT_TRUE(std::filesystem::exists(path()));
}

TEST_F(HttpServerUnix, TheFileOfAnotherOneIsLeftAlone) {
  std::filesystem::remove(path());
  Local::acceptor other(io, Local::endpoint(path()));
  server->stop_accepting();
  settle();
  EXPECT_TRUE(std::filesystem::exists(path()));
}

// Between `bind` and `listen` the file looks as if nobody listened on it any more.
TEST_F(HttpServerUnix, AnotherOneThatIsAboutToListenIsNotTakenForDead) {
  server.reset();
  settle();
  const http::UnixSocketFile first(path());
  Local::acceptor not_listening(io);
  not_listening.open();
  not_listening.bind(Local::endpoint(path()));
  EXPECT_THAT(refusal(), HasSubstr("another program listens there"));
  EXPECT_TRUE(std::filesystem::exists(path()));
}

TEST_F(HttpServerUnix, OfThoseThatBeginAtTheSameMomentOneListensAndIsHeard) {
  server.reset();
  settle();
  for (int round = 0; round < 100; ++round) {
    {
      Local::acceptor dead(io, Local::endpoint(path()));
    }
    std::vector<std::unique_ptr<http::Server>> servers(3);
    std::atomic<int> listening = 0;
    std::atomic<int> ready = 0;
    std::vector<std::thread> threads;
    for (auto& each : servers) {
      each = std::make_unique<http::Server>(std::vector<http::ServerShard>{{io, *wheel}}, handler, http::ServerLimits(),
                                            clock, metrics);
      threads.emplace_back([&] {
        for (++ready; ready < 3;) {
        }
        try {
          each->listen("unix:" + path(), 0, 0600);
          ++listening;
        } catch (const Error&) {  // NOLINT(bugprone-empty-catch)
        }
      });
    }
    for (auto& thread : threads) {
      thread.join();
    }
    ASSERT_EQ(listening, 1);
    Local::socket client(io);
    ASSERT_NO_THROW(client.connect(Local::endpoint(path())));
    servers.clear();
    settle();
  }
}

TEST_F(HttpServerUnix, TheFileOfALockIsNoReasonToRefuse) {
  server.reset();
  settle();
  std::ofstream(path() + ".lock") << "left by one that was killed";
  serve("unix", 0600);
  EXPECT_THAT(ask(""), HasSubstr("|unix|"));
}

TEST(UnixPath, IsAbsoluteAndShort) {
  EXPECT_EQ(http::unix_path("unix:/run/a.sock"), "/run/a.sock");
  EXPECT_EQ(http::unix_path("127.0.0.1"), std::nullopt);
  EXPECT_EQ(http::fault_of_unix_path("/run/a.sock"), "");
  EXPECT_THAT(http::fault_of_unix_path("a.sock"), HasSubstr("begins with /"));
  EXPECT_THAT(http::fault_of_unix_path(""), HasSubstr("begins with /"));
  EXPECT_THAT(http::fault_of_unix_path("/" + std::string(107, 'x')), HasSubstr("at most 107 bytes"));
}

}  // namespace
}  // namespace tern::test

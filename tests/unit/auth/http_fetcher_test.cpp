#include "auth/http_fetcher.hpp"

#include "local_authority.hpp"

#include "support/run.hpp"
#include "support/started.hpp"

#include <tern/async/manual_clock.hpp>
#include <tern/error.hpp>

#include <boost/asio/io_context.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace tern::auth {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class HttpFetcherTest : public testing::Test {
 protected:
  std::string get(const std::string& url) {
    return tern::test::run_on(io, fetcher->get(url, Deadline::after(30s, clock)));
  }
  /// The message of the exception with this code.
  std::string failure(const std::string& url, errc code) {
    try {
      get(url);
    } catch (const system_error& error) {
      EXPECT_EQ(error.code(), make_error_code(code)) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "a document came from " << url;
    return {};
  }
  std::string url(const std::string& path) { return authority.server().url(path); }

  test::LocalAuthority authority;
  ManualClock clock;
  asio::io_context io{1};
  std::shared_ptr<HttpFetcher> fetcher =
      std::make_shared<HttpFetcher>(HttpFetcher::Options{authority.ca_file(), ""}, clock);
};

TEST_F(HttpFetcherTest, GetsADocumentOverTls) {
  EXPECT_THAT(get(authority.openid_url()), HasSubstr("https://channels.example"));
  const auto requests = authority.server().requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].method, "GET");
  EXPECT_EQ(requests[0].header("accept"), "application/json");
}

TEST_F(HttpFetcherTest, TrustsNoServerWhoseAuthorityIsNotTrusted) {
  fetcher = std::make_shared<HttpFetcher>(HttpFetcher::Options(), clock);
  EXPECT_THAT(failure(authority.openid_url(), errc::host_unreachable), HasSubstr("its certificate is refused"));
  EXPECT_EQ(authority.server().request_count(), 0U);
}

TEST_F(HttpFetcherTest, TrustsNoServerWithTheCertificateOfAnother) {
  test::LocalAuthority other("DNS:other.example");
  fetcher = std::make_shared<HttpFetcher>(HttpFetcher::Options{other.ca_file(), ""}, clock);
  EXPECT_THAT(failure(other.openid_url(), errc::host_unreachable), HasSubstr("its certificate is refused"));
  EXPECT_EQ(other.server().request_count(), 0U);
}

TEST_F(HttpFetcherTest, TakesTheAnswer200Alone) {
  for (const int status : {201, 204, 304, 400, 404, 500, 503}) {
    authority.answer(status);
    EXPECT_THAT(failure(url("/openid?secret=x"), errc::bad_answer),
                AllOf(HasSubstr("/openid answered with status " + std::to_string(status)), Not(HasSubstr("secret"))));
  }
}

TEST_F(HttpFetcherTest, FollowsNoRedirect) {
  authority.answer(302, {{"Location", url("/keys")}});
  EXPECT_THAT(failure(authority.openid_url(), errc::bad_answer), HasSubstr("302, a redirect, which is not followed"));
  EXPECT_EQ(authority.server().request_count(), 1U);
}

TEST_F(HttpFetcherTest, ABodyBeyondAMebibyteIsNoDocument) {
  constexpr std::size_t bound = std::size_t{1} << 20;
  authority.server().answer_next(tern::test::FakeAnswer::with(200, std::string(bound, 'x')));
  EXPECT_EQ(get(url("/large")).size(), bound);
  authority.server().answer_next(tern::test::FakeAnswer::with(200, std::string(bound + 1, 'x')));
  EXPECT_THAT(failure(url("/larger"), errc::bad_answer), HasSubstr("more than 1048576 bytes"));
}

TEST_F(HttpFetcherTest, GivesUpAtTheDeadline) {
  authority.server().hold();
  tern::test::Started<std::string> pending(io, fetcher->get(authority.openid_url(), Deadline::after(5s, clock)));
  while (authority.server().held_count() == 0) {
    io.restart();
    io.run_one_for(5ms);
  }
  clock.advance(6s);
  while (!pending.ended()) {
    io.restart();
    ASSERT_NE(io.run_one_for(tern::test::patience), 0U);
  }
  EXPECT_EQ(pending.code(), make_error_code(errc::timed_out));
}

TEST_F(HttpFetcherTest, EndsWithItsContext) {
  authority.server().hold();
  auto own = std::make_unique<asio::io_context>(1);
  tern::test::Started<std::string> pending(*own, fetcher->get(authority.openid_url(), Deadline::never()));
  while (authority.server().held_count() == 0) {
    own->restart();
    own->run_one_for(5ms);
  }
  own.reset();
  EXPECT_FALSE(pending.ended());
  fetcher.reset();
}

TEST_F(HttpFetcherTest, RefusesAFileThatIsNone) {
  EXPECT_THROW(HttpFetcher(HttpFetcher::Options{"/no/such/file", ""}, clock), system_error);
}

}  // namespace
}  // namespace tern::auth

// Files of clients, as they are kept and sent.
#include "unit/direct_line/world.hpp"

#include <boost/asio/co_spawn.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tern::direct_line {
namespace {

using http::Method;
using test::form_with;
using test::header_of;
using test::TestRequest;
using test::upload_request;
using test::World;
using testing::HasSubstr;

/// A client that has sent a file, and those who fetch it.
class DownloadTest : public testing::Test {
 protected:
  static Options with_four_downloads() {
    Options options;
    options.bounds.downloads = 4;
    options.bounds.address_uploads = 1'000'000;
    options.bounds.conversation_uploads = 700'000;
    return options;
  }
  std::string upload(const World::Client& client, std::size_t size, unsigned status = 200) {
    auto request = upload_request(client, form_with("image/png", std::string(size, 'x')));
    last = world.call(request);
    EXPECT_EQ(last.status, status) << last.body;
    const std::string url(status == 200 ? *world.bot.received.back().attachments()[0].content_url() : "/v3");
    return url.substr(url.find("/v3"));
  }
  http::HttpResponse fetch(const std::string& path, const std::string& peer) {
    TestRequest request(Method::get, path);
    return world.call(request.from(peer));
  }

  World world{with_four_downloads()};
  http::HttpResponse last;
};

TEST_F(DownloadTest, ReadsAFilePieceByPiece) {
  const auto path = upload(world.begin(), 500'000);
  world.faults->read.clear();
  auto file = fetch(path, "192.0.2.1");
  EXPECT_EQ(world.faults->read.size(), 1U) << "the record alone";
  ASSERT_TRUE(file.source);
  EXPECT_EQ(tern::test::run_on(world.io, file.source->next())->size(), Uploads::piece_bytes);
  EXPECT_EQ(world.faults->read.size(), 2U);
  EXPECT_EQ(test::body_of(world, file).size(), 500'000 - Uploads::piece_bytes);
}

TEST_F(DownloadTest, HasPlacesForOthersThanOneSlowReader) {
  const auto path = upload(world.begin(), 100);
  auto slow = fetch(path, "192.0.2.1");
  TestRequest again(Method::get, path);
  unsigned status = 0;
  auto work = world.channel->endpoint().handle(again.from("192.0.2.1"));
  asio::co_spawn(world.io, std::move(work), [&status](const std::exception_ptr& error, http::HttpResponse response) {
    EXPECT_FALSE(error);
    status = response.status;
  });
  tern::test::drain(world.io);
  EXPECT_EQ(status, 0U) << "the address has its quarter, so it waits";
  EXPECT_EQ(fetch(path, "192.0.2.2").status, 200U);
  slow = {};
  tern::test::drain(world.io);
  EXPECT_EQ(status, 200U);
  std::vector<http::HttpResponse> many;
  for (int i = 1; i <= 5; ++i) {
    many.push_back(fetch(path, "198.51.100." + std::to_string(i)));
  }
  EXPECT_EQ(many.back().status, 429U);
  EXPECT_EQ(header_of(many.back(), "Retry-After"), "1");
  EXPECT_THAT(many.back().body, HasSubstr("limits.direct_line_downloads"));
}

TEST_F(DownloadTest, IsOfFilesThatLeaveRoomForOthers) {
  const auto client = world.begin();
  upload(client, 600'000);
  upload(client, 200'000, 429);
  EXPECT_THAT(last.body, HasSubstr("limits.direct_line_conversation_uploads"));
  upload(world.begin(), 600'000, 429);
  EXPECT_THAT(last.body, HasSubstr("limits.direct_line_address_uploads"));
  EXPECT_EQ(header_of(last, "Retry-After"), "60");
}

}  // namespace
}  // namespace tern::direct_line

#include <tern/async/log.hpp>
#include <tern/error.hpp>
#include <tern/storage/postgres_storage.hpp>

#include "support/postgres_server.hpp"
#include "support/run.hpp"
#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pqxx/pqxx>

#include <pwd.h>
#include <sys/mount.h>
#include <unistd.h>

#include <random>
#include <string>

namespace tern::fault {

namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr Deadline never = Deadline::never();

/// A file system in memory that the server can write in, as small as is wanted; gone with the object.
class SmallDisk {
 public:
  /// False without the right to mount.
  bool mount(const std::string& size) {
    const auto* user = ::geteuid() == 0 ? ::getpwnam("postgres") : ::getpwuid(::geteuid());
    const auto options = "size=" + size + ",mode=700,uid=" + std::to_string(user->pw_uid);
    mounted_ = ::mount("tern-test", folder_.path().c_str(), "tmpfs", mounted_ ? MS_REMOUNT : 0, options.c_str()) == 0;
    return mounted_;
  }
  ~SmallDisk() {
    if (mounted_) {
      ::umount2(folder_.path().c_str(), MNT_DETACH);
    }
  }
  std::string path() const { return folder_.path().string(); }

 private:
  test::TemporaryFolder folder_;
  bool mounted_ = false;
};

// That the server cannot compress.
std::string long_text() {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same each time
  std::string text(100'000, ' ');
  for (auto& letter : text) {
    letter = static_cast<char>('0' + random() % 64);
  }
  return text;
}

}  // namespace

TEST(PostgresFullDisk, IsToldAndLeftAndNothingIsLost) {
  if (const auto why = test::PostgresServer::obstacle(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  SmallDisk disk;
  if (!disk.mount("24m")) {
    GTEST_SKIP() << "this user may not mount a tmpfs";
  }
  log::configure(log::Level::error, log::Format::text);
  const test::PostgresServer server;
  {
    pqxx::connection connection(server.url());
    pqxx::nontransaction work(connection);
    work.exec("CREATE TABLESPACE small LOCATION '" + disk.path() + "'");
    work.exec("ALTER ROLE tern SET default_tablespace = 'small'");
  }
  PostgresOptions options;
  options.url = server.url();
  PostgresStorage store(std::move(options));
  test::run(store.open(never));

  const auto document = long_text();
  int confirmed = 0;
  const auto write_until_full = [&] {
    try {
      for (;; ++confirmed) {
        ASSERT_LT(confirmed, 1'000) << "the disk is never full";
        StoreChanges changes;
        changes.upserts.emplace_back(std::to_string(confirmed) + "/left", document + std::to_string(confirmed));
        changes.upserts.emplace_back(std::to_string(confirmed) + "/right", document + std::to_string(confirmed));
        ASSERT_TRUE(test::run(store.write(std::move(changes), never)));
      }
    } catch (const system_error& error) {
      EXPECT_EQ(error.code(), errc::storage_unavailable) << error.what();
      EXPECT_THAT(error.what(), HasSubstr("The disk of the server is full"));
      EXPECT_THAT(error.what(), HasSubstr("Nothing was written"));
    }
  };
  const auto look = [&] {
    for (int i = 0; i < confirmed; ++i) {
      const auto name = std::to_string(i);
      const auto items = test::run(store.read({name + "/left", name + "/right"}, never));
      ASSERT_EQ(items.size(), 2U) << i << " of " << confirmed;
      ASSERT_EQ(items.begin()->document, document + name);
    }
    const auto name = std::to_string(confirmed);
    EXPECT_TRUE(test::run(store.read({name + "/left", name + "/right"}, never)).empty()) << "half a write";
  };
  write_until_full();
  EXPECT_GT(confirmed, 10);
  look();
  const auto before = confirmed;
  ASSERT_TRUE(disk.mount("48m"));
  write_until_full();
  EXPECT_GT(confirmed, before);
  look();
  test::run(store.close(never));
}

}  // namespace tern::fault

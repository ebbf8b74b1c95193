#include "net/resolver.hpp"

#include "support/fake_name_server.hpp"
#include "support/run.hpp"
#include "support/temporary_folder.hpp"

#include <tern/async/manual_clock.hpp>

#include <boost/asio/ip/address.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace tern::net {
namespace {

using namespace std::chrono_literals;
using tern::test::FakeNameServer;
using tern::test::FakeRecords;

/// A resolver on an io_context of its own and a clock that the test moves.
class Resolving {
 public:
  explicit Resolving(ResolverOptions options)
      : wheel_(clock, io.get_executor()), resolver(make_resolver(io, wheel_, clock, std::move(options))) {}
  explicit Resolving(const FakeNameServer& names, std::size_t at_once = 1'000) : Resolving(asking(names, at_once)) {}

  std::shared_ptr<std::optional<Resolution>> ask(const std::string& name) {
    auto answer = std::make_shared<std::optional<Resolution>>();
    resolver->resolve(name, Deadline::after(5s, clock), [answer](Resolution resolution) {
      EXPECT_FALSE(*answer) << "told twice";
      *answer = std::move(resolution);
    });
    return answer;
  }
  Resolution resolve(const std::string& name) {
    const auto answer = ask(name);
    run_until([&answer] { return answer->has_value(); });
    return **answer;
  }
  void run_until(const std::function<bool()>& reached) {
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (!reached()) {
      io.restart();
      io.run_one_for(5ms);
      if (std::chrono::steady_clock::now() > end) {
        throw std::runtime_error("30 s have passed without what the test waits for");
      }
    }
  }
  void advance(std::chrono::milliseconds time) {
    clock.advance(time);
    wheel_.expire_due();
    tern::test::drain(io);
  }

  ManualClock clock;
  asio::io_context io{1};

 private:
  static ResolverOptions asking(const FakeNameServer& names, std::size_t at_once) {
    ResolverOptions options;
    options.nameservers = {names.endpoint()};
    options.at_once = at_once;
    return options;
  }
  TimingWheel wheel_;

 public:
  std::unique_ptr<Resolver> resolver;
};

/// A resolv.conf of the test's own.
class ResolvConf {
 public:
  ResolvConf() : path_(folder_.path() / "resolv.conf") {}
  std::string path() const { return path_.string(); }
  void write(const std::string& text) {
    std::ofstream(path_.string() + ".new") << text;
    std::filesystem::rename(path_.string() + ".new", path_);  // as resolvconf(8) and the others do it
  }

 private:
  tern::test::TemporaryFolder folder_;
  std::filesystem::path path_;
};

FakeRecords silence() {
  FakeRecords records;
  records.silent = true;
  return records;
}

TEST(Resolver, FindsTheAddressesOfBothFamiliesAndTheirTimeToLive) {
  FakeNameServer names;
  names.answer("both.test", FakeRecords::at({"192.0.2.2", "2001:db8::1", "192.0.2.1"}, 77));
  Resolving on(names);
  const Resolution found = on.resolve("both.test");
  EXPECT_EQ(found.end, Resolution::End::found);
  EXPECT_EQ(found.ttl, 77s);
  std::vector<std::string> texts;
  for (const auto& address : found.addresses) {
    texts.push_back(address.to_string());
  }
  std::sort(texts.begin(), texts.end());
  EXPECT_EQ(texts, (std::vector<std::string>{"192.0.2.1", "192.0.2.2", "2001:db8::1"}));
  EXPECT_EQ(names.questions(), 2U);
}

TEST(Resolver, TellsANameThatIsNotThereFromAServerThatFails) {
  FakeNameServer names;
  names.answer("empty.test", FakeRecords::at({}));
  names.answer("broken.test", FakeRecords::error(2));
  names.answer("refused.test", FakeRecords::error(5));
  Resolving on(names);
  EXPECT_EQ(on.resolve("nothing.test").end, Resolution::End::no_such_name);
  EXPECT_EQ(on.resolve("empty.test").end, Resolution::End::no_such_name);
  EXPECT_EQ(on.resolve("broken.test").end, Resolution::End::failed);
  EXPECT_EQ(on.resolve("refused.test").end, Resolution::End::failed);
  EXPECT_FALSE(on.resolve("broken.test").why.empty());
}

TEST(Resolver, NamesOfTheHostsFileAreNotAskedFor) {
  // This machine's own file: the first line of a name other than localhost.
  std::ifstream file("/etc/hosts");
  std::string address;
  std::string name;
  for (std::string line; name.empty() && std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    if (!(words >> address >> name) || name.find("localhost") != std::string::npos) {
      name.clear();
    }
  }
  if (name.empty()) {
    GTEST_SKIP() << "/etc/hosts has no other name than localhost";
  }
  FakeNameServer names;
  Resolving on(names);
  const Resolution found = on.resolve(name);
  ASSERT_EQ(found.end, Resolution::End::found) << name << ": " << found.why;
  EXPECT_EQ(found.addresses.front(), asio::ip::make_address(address));
  EXPECT_EQ(names.questions(), 0U);
}

TEST(Resolver, ChangedResolvConfIsReadAgainAndWhatIsUnderWayIsAskedAnew) {
  FakeNameServer before;
  FakeNameServer after("127.0.0.2", before.endpoint().port());
  before.answer("under-way.test", silence());
  before.answer("moved.test", FakeRecords::at({"192.0.2.1"}));
  after.answer("under-way.test", FakeRecords::at({"192.0.2.2"}));
  after.answer("moved.test", FakeRecords::at({"192.0.2.2"}));
  ResolvConf file;
  file.write("nameserver 127.0.0.1\n");
  ResolverOptions options;
  options.resolv_conf = file.path();
  options.port = before.endpoint().port();
  Resolving on(options);
  const auto under_way = on.ask("under-way.test");
  EXPECT_EQ(on.resolve("moved.test").addresses.at(0), asio::ip::make_address("192.0.2.1"));
  file.write("nameserver 127.0.0.2\n");
  EXPECT_EQ(on.resolve("moved.test").addresses.at(0), asio::ip::make_address("192.0.2.1")) << "it was just looked at";
  on.clock.advance(5s);
  EXPECT_EQ(on.resolve("moved.test").addresses.at(0), asio::ip::make_address("192.0.2.2"));
  on.run_until([&] { return under_way->has_value(); });
  ASSERT_EQ((*under_way)->end, Resolution::End::found) << (*under_way)->why;
  EXPECT_EQ((*under_way)->addresses.at(0), asio::ip::make_address("192.0.2.2"));
}

TEST(Resolver, ResolvConfMayComeLaterThanTheProcess) {
  FakeNameServer names("127.0.0.2");
  names.answer("channel.test", FakeRecords::at({"192.0.2.1"}));
  ResolvConf file;
  ResolverOptions options;
  options.resolv_conf = file.path();
  options.port = names.endpoint().port();
  Resolving on(options);
  const auto failed = on.ask("channel.test");  // at 127.0.0.1, where nobody listens at that port
  on.advance(5100ms);
  ASSERT_TRUE(failed->has_value());
  EXPECT_NE((*failed)->end, Resolution::End::found);
  EXPECT_NE((*failed)->why.find(file.path()), std::string::npos) << (*failed)->why;
  file.write("nameserver 127.0.0.2\n");
  EXPECT_EQ(on.resolve("channel.test").end, Resolution::End::found);
}

TEST(Resolver, MoreNamesThanAllowedFailAtOnce) {
  FakeNameServer names;
  names.answer("silent.test", silence());
  Resolving on(names, 1);
  const auto first = on.ask("silent.test");
  const auto second = on.ask("silent.test");
  ASSERT_TRUE(second->has_value());
  EXPECT_EQ((*second)->end, Resolution::End::failed);
  EXPECT_FALSE(first->has_value());
  on.advance(5100ms);
  ASSERT_TRUE(first->has_value());
  EXPECT_EQ((*first)->end, Resolution::End::late);
}

TEST(Resolver, DestroyedWithQuestionsOpenItTellsNobody) {
  FakeNameServer names;
  names.answer("silent.test", silence());
  Resolving on(names);
  const auto answer = on.ask("silent.test");
  on.run_until([&] { return names.questions() == 2; });
  on.resolver.reset();
  on.io.restart();
  on.io.run();
  EXPECT_FALSE(answer->has_value());
}

}  // namespace
}  // namespace tern::net

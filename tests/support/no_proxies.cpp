// The proxies of the machine that runs the tests are not theirs.
#include <gtest/gtest.h>

#include <cstdlib>

namespace tern::test {
namespace {

class NoProxies final : public ::testing::Environment {
 public:
  void SetUp() override {
    for (const char* name : {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"}) {
      unsetenv(name);
    }
  }
};

[[maybe_unused]] const ::testing::Environment* const no_proxies = ::testing::AddGlobalTestEnvironment(new NoProxies);

}  // namespace
}  // namespace tern::test

// What a token costs a send in memory: nothing, once it is known. The program has an `operator new` of its own.
#include "harness.hpp"

#include <tern/turn/credential_provider.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <utility>

namespace {

// Of this thread alone: the channel has a thread of its own.
thread_local std::size_t allocations = 0;

}  // namespace

void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes > 0 ? bytes : 1)) {
    return memory;
  }
  throw std::bad_alloc();
}
void* operator new[](std::size_t bytes) {  // a sanitizer's own would not call the one above
  return operator new(bytes);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*bytes*/) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t /*bytes*/) noexcept {
  std::free(memory);
}

namespace tern::connector::test {
namespace {

/// Has a token, or none.
class KnownToken final : public CredentialProvider {
 public:
  explicit KnownToken(std::shared_ptr<const AccessToken> token) : token_(std::move(token)) {}
  TokenAnswer token(const TokenRequest& /*request*/) override { return token_; }

 private:
  std::shared_ptr<const AccessToken> token_;
};

std::size_t allocations_of_a_send(CredentialProvider& credentials, const FakeChannel& channel) {
  ConnectorOptions options;
  options.verify_tls = false;
  options.credentials = &credentials;
  Harness on(options);
  const Activity message = message_to(channel.url());
  std::size_t least = static_cast<std::size_t>(-1);
  for (int i = 0; i < 20; ++i) {  // the first ones make room
    const std::size_t before = allocations;
    on.deliver(message);
    least = std::min(least, allocations - before);
  }
  return least;
}

TEST(TokenCost, AKnownTokenAddsNoAllocationToASend) {
  const auto certificate = make_certificate("IP:127.0.0.1");
  FakeChannelOptions serving;
  serving.certificate = certificate.pem;
  serving.private_key = certificate.key;
  serving.keep_requests = false;
  FakeChannel channel(serving);
  const std::string text(1500, 'x');  // about as long as a token of Microsoft's
  KnownToken with(std::make_shared<const AccessToken>(text));
  KnownToken without(nullptr);
  EXPECT_EQ(allocations_of_a_send(with, channel), allocations_of_a_send(without, channel));
}

}  // namespace
}  // namespace tern::connector::test

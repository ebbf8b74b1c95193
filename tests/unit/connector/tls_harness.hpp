#pragma once

#include "harness.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace tern::connector::test {

inline FakeChannelOptions serving(const TestCertificate& certificate) {
  FakeChannelOptions options;
  options.certificate = certificate.pem;
  options.private_key = certificate.key;
  return options;
}

/// Makes one certificate the whole trust store of this process, the way an administrator would.
class TrustOnly {
 public:
  explicit TrustOnly(const std::string& pem) {
    std::string name = testing::TempDir() + "tern-trust-XXXXXX";
    const int file = mkstemp(name.data());
    if (file >= 0) {
      ::close(file);
    }
    path_ = name;
    std::ofstream(path_) << pem;
    setenv("SSL_CERT_FILE", path_.c_str(), 1);
  }
  ~TrustOnly() {
    unsetenv("SSL_CERT_FILE");
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }

 private:
  std::filesystem::path path_;
};

}  // namespace tern::connector::test

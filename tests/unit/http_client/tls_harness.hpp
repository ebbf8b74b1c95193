#pragma once

#include "harness.hpp"
#include "support/temporary_folder.hpp"
#include "support/test_certificate.hpp"

#include <filesystem>
#include <fstream>
#include <string>

namespace tern::http_client::test {

using tern::test::make_certificate;
using tern::test::TestCertificate;
using tern::test::TestCertificateOptions;

/// An authority of the test's own, and the file that makes a client trust it.
class Authority {
 public:
  Authority() : certificate_(make_certificate("DNS:authority.test")), file_(folder_.path() / "authority.pem") {
    std::ofstream(file_) << certificate_.pem;
  }
  /// A certificate for these names.
  TestCertificate certificate_for(const std::string& names, bool expired = false) const {
    return make_certificate(names, {&certificate_, expired});
  }
  /// The options of an https server with a certificate for these names.
  FakeChannelOptions serving(const std::string& names, bool expired = false) const {
    const auto certificate = certificate_for(names, expired);
    FakeChannelOptions options;
    options.certificate = certificate.pem;
    options.private_key = certificate.key;
    return options;
  }
  HttpClientOptions trusted() const {
    HttpClientOptions options;
    options.ca_file = file_.string();
    return options;
  }

 private:
  TestCertificate certificate_;
  tern::test::TemporaryFolder folder_;
  std::filesystem::path file_;
};

}  // namespace tern::http_client::test

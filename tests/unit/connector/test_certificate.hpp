#pragma once

#include <string>

namespace tern::connector::test {

/// A certificate that signs itself, and its key, both PEM.
struct TestCertificate {
  std::string pem;
  std::string key;
};

/// `names`: the subject's alternative names as OpenSSL writes them, such as "DNS:localhost,IP:127.0.0.1".
TestCertificate make_certificate(const std::string& names);

}  // namespace tern::connector::test

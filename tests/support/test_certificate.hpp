#pragma once

#include <string>

namespace tern::test {

/// A certificate and its key, both PEM.
struct TestCertificate {
  std::string pem;
  std::string key;
};

struct TestCertificateOptions {
  const TestCertificate* issuer = nullptr;  ///< who signs it; nullptr: the certificate signs itself
  bool expired = false;                     ///< it was valid until yesterday
  bool early = false;                       ///< it is valid in twenty hours, for 30 days
  bool rsa = false;                         ///< its key is one of RSA, 2,048 bits
};

/// `names`: the subject's alternative names as OpenSSL writes them, such as "DNS:localhost,IP:127.0.0.1". Each
/// certificate may sign others.
TestCertificate make_certificate(const std::string& names, const TestCertificateOptions& options = {});

}  // namespace tern::test

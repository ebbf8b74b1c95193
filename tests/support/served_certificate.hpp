#pragma once

#include "http/tls_context.hpp"
#include "support/temporary_folder.hpp"
#include "support/test_certificate.hpp"

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace tern::test {

/// A certificate in files, as a server reads it.
class CertificateFolder {
 public:
  explicit CertificateFolder(const TestCertificate& certificate = make_certificate("DNS:localhost,IP:127.0.0.1")) {
    write(certificate);
  }
  void write(const TestCertificate& certificate) {
    certificate_ = certificate;
    write_file("tls.crt", certificate.pem);
    write_file("tls.key", certificate.key);
  }
  void write_file(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.path() / name, std::ios::trunc) << text;
  }
  http::CertificateFiles files() const {
    return {(folder_.path() / "tls.crt").string(), (folder_.path() / "tls.key").string()};
  }
  const TestCertificate& certificate() const noexcept { return certificate_; }
  std::shared_ptr<const http::TlsContext> load() const { return std::make_shared<http::TlsContext>(files()); }

 private:
  TemporaryFolder folder_;
  TestCertificate certificate_;
};

/// The certificate of servers in tests that do not care about it. It is made once in each process.
inline const std::shared_ptr<const http::TlsContext>& usual_certificate() {
  static const auto made = CertificateFolder().load();
  return made;
}

}  // namespace tern::test

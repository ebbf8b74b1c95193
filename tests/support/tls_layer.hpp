#pragma once

#include "unit/http/http_client.hpp"

#include <functional>
#include <memory>
#include <string>

struct ssl_session_st;
struct ssl_st;

namespace tern::test {

/// What a client of TLS wants.
struct TlsWish {
  std::string authority{};              ///< PEM: the certificate that the server's is checked against; "": none is
  std::string host = "localhost";       ///< that the certificate is for
  std::string protocols{};              ///< of ALPN, each behind a byte with its length; "": none
  int most = 0;                         ///< the highest version, such as TLS1_2_VERSION; 0: any
  std::string ciphers{};                ///< for TLS 1.2; "": the usual ones
  std::function<void(ssl_st*)> look{};  ///< called when the handshake is done
  ssl_session_st* session = nullptr;    ///< to go on with; not taken over
};

/// TLS for `WireClient`, over OpenSSL.
WireClient::MakeLayer tls_layer(TlsWish wish = {});

/// True when the tests of this program speak TLS wherever they do not care: TERN_TEST_TLS is set.
bool over_tls();

}  // namespace tern::test

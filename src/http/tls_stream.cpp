#include "http/tls_stream.hpp"

#include <boost/asio/error.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <sys/socket.h>
#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <new>
#include <utility>

namespace tern::http {

namespace {

constexpr std::size_t header = 5;                        // of a record (RFC 8446, 5.1)
constexpr std::size_t longest_record = 16 * 1024 + 256;  // its content, encrypted
constexpr std::size_t read_at_once = 4096;
constexpr unsigned char handshake_record = 22;

unsigned byte_at(std::string_view text, std::size_t at) noexcept {
  return static_cast<unsigned char>(text[at]);
}

bool is_one_of(int reason, std::initializer_list<int> reasons) noexcept {
  return std::find(reasons.begin(), reasons.end(), reason) != reasons.end();
}

// A reason beyond this is an alert that the client has sent.
HandshakeEnd end_for(unsigned long error) noexcept {
  const int reason = ERR_GET_REASON(error);
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) {
    return HandshakeEnd::failed;
  }
  if (reason >= SSL_AD_REASON_OFFSET) {
    return HandshakeEnd::refused;
  }
  const bool unsupported = is_one_of(
      reason, {SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_NO_SHARED_CIPHER, SSL_R_VERSION_TOO_LOW, SSL_R_UNKNOWN_PROTOCOL,
               SSL_R_WRONG_VERSION_NUMBER, SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SUITABLE_GROUPS,
               SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS,
               SSL_R_NO_APPLICATION_PROTOCOL, SSL_R_INAPPROPRIATE_FALLBACK});
  return unsupported ? HandshakeEnd::unsupported : HandshakeEnd::failed;
}

}  // namespace

/// The functions by which OpenSSL reads and writes: the texts of the handshake, and then the socket. A BIO of OpenSSL's
/// own would raise SIGPIPE.
struct TlsStream::Bio {
  static TlsStream& of(BIO* bio) noexcept { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* into, std::size_t size, std::size_t* done) noexcept {
    TlsStream& self = of(bio);
    BIO_clear_retry_flags(bio);
    const std::size_t end = self.descriptor_ >= 0 ? self.in_.size() : self.whole_;
    if (self.taken_ < end) {
      *done = std::min(size, end - self.taken_);
      std::memcpy(into, self.in_.data() + self.taken_, *done);
      self.taken_ += *done;
      return 1;
    }
    return self.descriptor_ >= 0 ? transferred(bio, ::recv(self.descriptor_, into, size, 0), done, true)
                                 : blocked(bio, true);
  }

  static int write(BIO* bio, const char* from, std::size_t size, std::size_t* done) noexcept {
    TlsStream& self = of(bio);
    BIO_clear_retry_flags(bio);
    if (self.descriptor_ >= 0) {
      const int outcome = transferred(bio, ::send(self.descriptor_, from, size, MSG_NOSIGNAL), done, false);
      self.written_ += outcome == 1 ? *done : 0;
      return outcome;
    }
    try {
      self.out_.append(from, size);
      *done = size;
      return 1;
    } catch (const std::bad_alloc&) {
      return 0;
    }
  }

  static long control(BIO* bio, int command, long, void*) noexcept {
    return command == BIO_CTRL_FLUSH || (command == BIO_CTRL_EOF && of(bio).eof_) ? 1 : 0;
  }

  static int blocked(BIO* bio, bool reading) noexcept {
    reading ? BIO_set_retry_read(bio) : BIO_set_retry_write(bio);
    return 0;
  }

  static int transferred(BIO* bio, ssize_t bytes, std::size_t* done, bool reading) noexcept {
    if (bytes > 0) {
      *done = static_cast<std::size_t>(bytes);
      return 1;
    }
    if (bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
      return blocked(bio, reading);
    }
    of(bio).eof_ = bytes == 0;
    return 0;
  }

  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
      BIO_METHOD* methods = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tern session");
      if (methods != nullptr) {
        BIO_meth_set_read_ex(methods, read);
        BIO_meth_set_write_ex(methods, write);
        BIO_meth_set_ctrl(methods, control);
      }
      return methods;  // it lives as long as the program
    }();
    return made;
  }
};

TlsStream::TlsStream(std::shared_ptr<const TlsContext> context)
    : context_(std::move(context)), ssl_(nullptr, SSL_free) {}

TlsStream::~TlsStream() = default;

TlsStream::Next TlsStream::next() const noexcept {
  if (ended_ && end_ != HandshakeEnd::done) {
    return Next::end;
  }
  if (out_sent_ < out_.size()) {
    return Next::output;
  }
  if (ended_) {
    return Next::end;
  }
  return taken_ < whole_ ? Next::step : Next::input;
}

asio::mutable_buffer TlsStream::room() {
  in_.erase(0, taken_);
  whole_ -= taken_;
  taken_ = 0;
  const std::size_t size = in_.size();
  in_.resize(size + read_at_once);
  return asio::buffer(in_.data() + size, read_at_once);
}

void TlsStream::add(std::size_t bytes) noexcept {
  in_.resize(in_.size() - read_at_once + bytes);
  find_records();
}

// The handshake is given whole records only, so that a client that sends a byte at a time costs no step for each.
void TlsStream::find_records() noexcept {
  const std::string_view rest = std::string_view(in_).substr(whole_);
  if (!ssl_ && !rest.empty() && byte_at(rest, 0) != handshake_record) {
    ended_ = true;
    end_ = rest[0] >= 'A' && rest[0] <= 'Z' ? HandshakeEnd::plain_http : HandshakeEnd::no_tls;
    return;
  }
  while (in_.size() - whole_ >= header) {
    const std::size_t size = byte_at(in_, whole_ + 3) * 256 + byte_at(in_, whole_ + 4);
    if (size > longest_record) {
      ended_ = true;
      end_ = ssl_ ? HandshakeEnd::failed : HandshakeEnd::no_tls;
      return;
    }
    if (in_.size() - whole_ < header + size) {
      return;
    }
    whole_ += header + size;
  }
}

bool TlsStream::begin() noexcept {
  if (ssl_) {
    return true;
  }
  const BIO_METHOD* method = Bio::method();
  BIO* bio = method != nullptr ? BIO_new(method) : nullptr;
  ssl_.reset(SSL_new(context_->native()));
  if (bio == nullptr || !ssl_) {
    BIO_free(bio);
    return false;
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_accept_state(ssl_.get());
  return true;
}

void TlsStream::step() noexcept {
  if (given_up_) {
    return;
  }
  ERR_clear_error();
  const int outcome = begin() ? SSL_do_handshake(ssl_.get()) : -1;
  if (outcome == 1) {
    ended_ = true;
    end_ = HandshakeEnd::done;
  } else if (!ssl_ || taken_ < whole_ || SSL_get_error(ssl_.get(), outcome) != SSL_ERROR_WANT_READ) {
    fail();  // it takes all that there is before it wants more
  }
}

void TlsStream::fail() noexcept {
  ended_ = true;
  broken_ = true;
  const auto error = ERR_peek_error();
  end_ = end_for(error);
  const char* said = ERR_reason_error_string(error);
  reason_ = said != nullptr ? said : "";
  ERR_clear_error();
}

asio::const_buffer TlsStream::output() const noexcept {
  return asio::buffer(out_) + out_sent_;
}

void TlsStream::sent(std::size_t bytes) noexcept {
  out_sent_ += bytes;
  if (out_sent_ == out_.size()) {
    out_.clear();
    out_sent_ = 0;
  }
}

void TlsStream::attach(int descriptor) noexcept {
  descriptor_ = descriptor;
  std::string().swap(out_);
  if (taken_ == in_.size()) {
    std::string().swap(in_);
    taken_ = whole_ = 0;
  }
  SSL_set_read_ahead(ssl_.get(), 1);  // one system call for a record instead of two
}

std::size_t TlsStream::read(asio::mutable_buffer into, error_code& ec) noexcept {
  ec = {};
  waits_to_write_ = false;
  if (broken_) {
    ec = asio::error::connection_reset;
    return 0;
  }
  ERR_clear_error();
  std::size_t bytes = 0;
  const int outcome = SSL_read_ex(ssl_.get(), into.data(), into.size(), &bytes);
  if (taken_ > 0 && taken_ == in_.size()) {
    std::string().swap(in_);
    taken_ = whole_ = 0;
  }
  if (outcome == 1) {
    return bytes;
  }
  switch (SSL_get_error(ssl_.get(), outcome)) {
    case SSL_ERROR_WANT_WRITE:
      waits_to_write_ = true;
      [[fallthrough]];
    case SSL_ERROR_WANT_READ:
      ec = asio::error::would_block;
      break;
    case SSL_ERROR_ZERO_RETURN:
      ec = asio::error::eof;
      break;
    default:
      broken_ = true;
      ec = asio::error::connection_reset;
      ERR_clear_error();
  }
  return 0;
}

std::size_t TlsStream::write(std::span<const asio::const_buffer> buffers, error_code& ec) noexcept {
  ec = {};
  std::size_t total = 0;
  for (asio::const_buffer rest : buffers) {
    while (rest.size() > 0 && total < most_at_once) {
      if (broken_) {
        ec = asio::error::connection_reset;
        return total;
      }
      ERR_clear_error();
      std::size_t bytes = 0;
      const int outcome = SSL_write_ex(ssl_.get(), rest.data(), rest.size(), &bytes);
      if (outcome == 1) {
        total += bytes;
        rest += bytes;
        continue;
      }
      if (SSL_get_error(ssl_.get(), outcome) == SSL_ERROR_WANT_WRITE) {
        ec = total > 0 ? error_code() : error_code(asio::error::would_block);
        return total;
      }
      broken_ = true;  // it waits to read only after half a message, which no honest client sends
      ERR_clear_error();
      ec = asio::error::connection_reset;
      return total;
    }
  }
  return total;
}

bool TlsStream::say_end() noexcept {
  if (!ssl_ || descriptor_ < 0 || broken_) {
    return true;
  }
  ERR_clear_error();
  const int outcome = SSL_shutdown(ssl_.get());
  // A second call returns 0 also when the socket has taken nothing, as if the client's end alone were missing.
  broken_ = outcome == 1 || SSL_want_write(ssl_.get()) == 0 || BIO_should_write(SSL_get_wbio(ssl_.get())) == 0;
  ERR_clear_error();
  return broken_;
}

}  // namespace tern::http

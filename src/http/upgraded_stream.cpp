#include "http/upgraded_stream.hpp"

#include <cstring>
#include <span>

namespace tern::http {

namespace {

constexpr std::size_t record = 16 * 1024;  // the most that one record of TLS holds

}  // namespace

std::size_t UpgradedStream::read(asio::mutable_buffer into, error_code& ec) noexcept {
  if (early_.empty()) {
    return tls_->read(into, ec);
  }
  const std::size_t bytes = std::min(into.size(), early_.size());
  std::memcpy(into.data(), early_.data(), bytes);
  early_.erase(0, bytes);
  if (early_.empty()) {
    std::string().swap(early_);
  }
  return bytes;
}

// Copies the head of a frame and its text together, which would make two records and two packets otherwise. After
// `would_block` the next call has the same output, and so begins with the same bytes, as `TlsStream::write` demands.
std::size_t UpgradedStream::write(const Output& output, error_code& ec) noexcept {
  if (!open_) {
    return asio::buffer_size(output);
  }
  std::array<char, record> piece;
  const std::size_t size = asio::buffer_copy(asio::buffer(piece), output);
  const std::array<asio::const_buffer, 1> whole{asio::buffer(piece.data(), size)};
  return tls_->write(whole, ec);
}

}  // namespace tern::http

#pragma once

#include "http/request_line.hpp"
#include "http/trusted_proxies.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tern::http {

/// A request that `RequestReader` fills. Its memory is used again for the next request of the connection.
class Request final : public HttpRequest {
 public:
  /// Memory for a body, in bytes, that is reserved before the body has come and kept after it.
  static constexpr std::size_t usual_body = 16 * 1024;

  Method method() const noexcept override { return method_; }
  std::string_view path() const noexcept override { return slice(path_); }
  std::string_view query() const noexcept override { return slice(query_); }
  std::optional<std::string_view> header(std::string_view name) const noexcept override;
  std::optional<std::string_view> only_header(std::string_view name) const noexcept override;
  std::string& body() noexcept override { return body_; }
  std::string_view peer() const noexcept override;
  /// The values of a header that is a list and may stand in several lines (RFC 9110, 5.3), with commas between them.
  std::string all_values(std::string_view name) const;

  /// `proxies`: those who are believed when they say who the client is; nullptr for nobody. Lifetime: they outlive it.
  void set_peer(const Hop& peer, const TrustedProxies* proxies) noexcept {
    hop_ = peer;
    proxies_ = proxies;
  }

  void set_line(Method method, const Target& target);
  void add_field(std::string_view name, std::string_view value);

  /// Forgets the request, but not the peer. Keeps the memory, except that of a large body.
  void clear() noexcept;
  /// Forgets the request and gives back its memory.
  void release() noexcept;

 private:
  struct Slice {
    std::uint32_t at = 0;
    std::uint32_t size = 0;
  };
  struct Field {
    Slice name;
    Slice value;
  };

  std::string_view slice(Slice s) const noexcept { return std::string_view(text_).substr(s.at, s.size); }
  Slice store(std::string_view text);

  std::string text_;  // the target, the names and the values, in one piece of memory
  std::vector<Field> fields_;
  std::string body_;
  Slice path_;
  Slice query_;
  Method method_ = Method::other;
  Hop hop_;
  const TrustedProxies* proxies_ = nullptr;
  mutable std::string peer_;  // made by the first call of `peer`
};

}  // namespace tern::http

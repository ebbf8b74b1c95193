#pragma once

#include "http/host.hpp"
#include "http/rejection.hpp"
#include "http/request_line.hpp"

#include <optional>
#include <string_view>

namespace tern::http {

/// The rules for the head of a request beyond its grammar and the framing of its body. The reader passes each part as
/// it is read, and asks for the rejection at the end.
class HeadRules {
 public:
  /// `hosts`: the hosts that are served; nullptr serves every host.
  explicit HeadRules(ServedHosts* hosts) noexcept : hosts_(hosts) {}

  /// `target`: nullopt when it is malformed.
  void on_line(Method method, const std::optional<Target>& target, bool http10);
  /// `folded`: the value spans several lines.
  void on_host(std::string_view value, bool folded);
  void on_transfer_encoding(std::string_view value) noexcept;
  void on_content_encoding(std::string_view value) noexcept;
  void on_expect(std::string_view value) noexcept;

  bool http10() const noexcept { return http10_; }
  bool expects_continue() const noexcept { return expects_continue_ && !http10_; }

  /// Ask this when the head has ended; nullopt when nothing is wrong.
  std::optional<Rejection> rejection() const noexcept;

 private:
  ServedHosts::Verdict judge(std::string_view authority) const;
  bool malformed() const noexcept;

  ServedHosts* hosts_;
  unsigned host_fields_ = 0;
  bool http10_ = false;
  bool method_known_ = true;
  bool well_formed_ = true;
  bool named_by_target_ = false;  // the target names the host, so the Host header does not count (RFC 9112, 3.2.2)
  bool host_served_ = true;
  bool has_coding_ = false;
  bool codings_known_ = true;
  bool content_plain_ = true;
  bool expects_continue_ = false;
  bool expects_other_ = false;
};

}  // namespace tern::http

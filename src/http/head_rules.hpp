#pragma once

#include "http/host.hpp"
#include "http/rejection.hpp"
#include "http/request_line.hpp"

#include <optional>
#include <string_view>

namespace tern::http {

/// What the head of a request must keep to beyond its grammar and the framing of its body. It is told of each part as
/// it is read and says at the end what is wrong.
class HeadRules {
 public:
  /// `hosts`: which are served; nullptr: every one.
  explicit HeadRules(ServedHosts* hosts) noexcept : hosts_(hosts) {}

  /// `target`: nullopt when it is malformed.
  void on_line(Method method, const std::optional<Target>& target, bool http10);
  /// `folded`: the value goes over several lines.
  void on_host(std::string_view value, bool folded);
  void on_transfer_encoding(std::string_view value) noexcept;
  void on_content_encoding(std::string_view value) noexcept;
  void on_expect(std::string_view value) noexcept;

  bool http10() const noexcept { return http10_; }
  bool expects_continue() const noexcept { return expects_continue_ && !http10_; }

  /// Once the head has ended; nullopt when nothing is wrong.
  std::optional<Rejection> rejection() const noexcept;

 private:
  ServedHosts::Verdict judge(std::string_view authority) const;
  bool malformed() const noexcept;

  ServedHosts* hosts_;
  unsigned host_fields_ = 0;
  bool http10_ = false;
  bool method_known_ = true;
  bool well_formed_ = true;
  bool named_by_target_ = false;  // which host is meant; what Host says is not looked at then
  bool host_served_ = true;
  bool has_coding_ = false;
  bool codings_known_ = true;
  bool content_plain_ = true;
  bool expects_continue_ = false;
  bool expects_other_ = false;
};

}  // namespace tern::http

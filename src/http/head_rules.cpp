#include "http/head_rules.hpp"

#include "http/ascii.hpp"

namespace tern::http {

using Verdict = ServedHosts::Verdict;

void HeadRules::on_line(Method method, const std::optional<Target>& target, bool http10) {
  http10_ = http10;
  method_known_ = method != Method::other;
  // The target of CONNECT has another form, which is not parsed. Such a request is rejected for its method.
  well_formed_ = target.has_value() || !method_known_;
  if (target && target->authority) {
    const auto verdict = judge(*target->authority);
    well_formed_ = verdict != Verdict::malformed;
    host_served_ = verdict == Verdict::served;
    named_by_target_ = true;
  }
}

void HeadRules::on_host(std::string_view value, bool folded) {
  ++host_fields_;
  const auto verdict = folded ? Verdict::malformed : judge(value);
  well_formed_ = well_formed_ && verdict != Verdict::malformed;
  if (!named_by_target_) {
    host_served_ = verdict == Verdict::served;
  }
}

void HeadRules::on_transfer_encoding(std::string_view value) noexcept {
  // Beast reads no body when it does not know the coding; the body would then be parsed as the next request.
  codings_known_ = codings_known_ && same_text(value, "chunked");
  has_coding_ = true;
}

void HeadRules::on_content_encoding(std::string_view value) noexcept {
  content_plain_ = content_plain_ && (value.empty() || same_text(value, "identity"));
}

void HeadRules::on_expect(std::string_view value) noexcept {
  (same_text(value, "100-continue") ? expects_continue_ : expects_other_) = true;
}

ServedHosts::Verdict HeadRules::judge(std::string_view authority) const {
  if (hosts_ != nullptr) {
    return hosts_->judge(authority);
  }
  return host_of(authority) ? Verdict::served : Verdict::malformed;
}

// A client of HTTP/1.0 may leave Host out. That is safe when only some hosts are served: browsers always send Host.
bool HeadRules::malformed() const noexcept {
  return !well_formed_ || host_fields_ > 1 || (!http10_ && host_fields_ == 0) || (http10_ && has_coding_);
}

std::optional<Rejection> HeadRules::rejection() const noexcept {
  if (malformed()) {
    return Rejection::malformed;
  }
  if (!host_served_) {
    return Rejection::host;
  }
  if (!method_known_) {
    return Rejection::method;
  }
  if (has_coding_ && !codings_known_) {
    return Rejection::transfer_encoding;
  }
  if (!content_plain_) {
    return Rejection::content_encoding;
  }
  if (!http10_ && expects_other_) {
    return Rejection::expectation;
  }
  return std::nullopt;
}

}  // namespace tern::http

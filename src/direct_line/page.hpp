#pragma once

#include "direct_line/page_files.hpp"
#include "direct_line/rates.hpp"
#include "direct_line/token.hpp"
#include "http/router.hpp"

#include <tern/async/clock.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tern::direct_line {

/// Serves Web Chat at `/chat`, and tokens for that page at `POST /chat/token`, to pages of this server alone. The page
/// never has a secret.
///
/// Thread safety: all functions from any thread.
/// Source: docs/web-chat.md.
class Page final : public http::HttpHandler {
 public:
  /// For how long after its end a token of the page can still be exchanged for a fresh one.
  static constexpr std::chrono::hours renewable{7 * 24};
  /// The most tokens that a client address is given in a second.
  static constexpr std::size_t tokens_per_second = 10;

  /// Who makes the tokens; nullptr while the secret is not known yet.
  using Tokens = std::function<const TokenMaker*()>;

  /// `tokens`: is called on any shard. `web_chat`: the bundle; without it the page says what is missing.
  /// Lifetime: what `tokens` returns, and `clock`, outlive this.
  Page(Tokens tokens, std::optional<PageFile> web_chat, Clock& clock);

  void add_to(http::Router& router);
  awaitable<http::HttpResponse> handle(http::HttpRequest& request) override;

 private:
  http::HttpResponse html(const http::HttpRequest& request) const;
  http::HttpResponse token(http::HttpRequest& request);
  http::HttpResponse token(const TokenMaker& maker, const http::HttpRequest& request, std::string_view old) const;

  Tokens tokens_;
  Clock& clock_;
  Rates rates_;
  std::string html_before_;  // the nonce
  std::string html_behind_;
  PageFile style_;
  PageFile script_;
  std::optional<PageFile> web_chat_;
};

}  // namespace tern::direct_line

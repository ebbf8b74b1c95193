#include "auth/oauth_credentials.hpp"

#include "auth/token_answer.hpp"

#include <utility>

namespace tern::auth {

namespace {

constexpr std::size_t max_answer = std::size_t{64} * 1024;

HttpClientOptions client_options(const OAuthOptions& options, bool is_local) {
  HttpClientOptions client;
  client.max_body = max_answer;
  client.proxy_from_environment = !is_local;
  client.ca_file = options.ca_file;
  client.nameservers = options.nameservers;
  return client;
}

class OAuthFetcher final : public TokenFetcher {
 public:
  OAuthFetcher(const OAuthOptions& options, std::unique_ptr<const TokenGrant> grant, Clock& clock)
      : grant_(std::move(grant)), clock_(clock), client_(client_options(options, grant_->is_local()), clock) {}

  awaitable<boost::system::result<FreshToken, TokenFailure>> fetch(std::string scope, Deadline by) override {
    HttpRequest request = grant_->request(scope, clock_.wall_now());
    auto sent = client_.send(std::move(request), by);
    const HttpResponse answer = co_await std::move(sent);
    co_return read_token_answer(answer, grant_->host(), clock_.wall_now());
  }

 private:
  const std::unique_ptr<const TokenGrant> grant_;
  Clock& clock_;
  HttpClient client_;
};

}  // namespace

std::shared_ptr<TokenFetcher> oauth_fetcher(const OAuthOptions& options, std::unique_ptr<TokenGrant> grant,
                                            Clock& clock) {
  return std::make_shared<OAuthFetcher>(options, std::move(grant), clock);
}

OAuthCredentials::OAuthCredentials(OAuthOptions options, std::shared_ptr<TokenFetcher> fetcher, executor home,
                                   Clock& clock, Metrics& metrics)
    : options_(std::move(options)),
      fetcher_(std::move(fetcher)),
      home_(std::move(home)),
      clock_(clock),
      metrics_(metrics),
      channels_(make_source(options_.scope)) {}

OAuthCredentials::~OAuthCredentials() = default;

std::unique_ptr<TokenSource> OAuthCredentials::make_source(std::string scope) const {
  TokenSourceOptions source;
  source.scope = std::move(scope);
  source.request_timeout = options_.request_timeout;
  source.times = options_.times;
  return std::make_unique<TokenSource>(std::move(source), home_, fetcher_, clock_, metrics_);
}

TokenSource* OAuthCredentials::source_of(std::string_view scope) {
  if (scope.empty() || scope == options_.scope) {
    return channels_.get();
  }
  const std::lock_guard lock(mutex_);
  if (const auto found = others_.find(scope); found != others_.end()) {
    return found->second.get();
  }
  if (others_.size() >= options_.scopes) {
    return nullptr;
  }
  return others_.emplace(scope, make_source(std::string(scope))).first->second.get();
}

TokenAnswer OAuthCredentials::token(const TokenRequest& request) {
  TokenSource* const source = source_of(request.scope);
  if (source == nullptr) {
    throw NoToken(NoToken::Why::unavailable, "Tokens for too many scopes were asked for; nothing was sent.");
  }
  return source->token();
}

bool OAuthCredentials::refused(const TokenRequest& request, const std::shared_ptr<const AccessToken>& token) {
  TokenSource* const source = source_of(request.scope);
  return source != nullptr && source->refused(token);
}

}  // namespace tern::auth

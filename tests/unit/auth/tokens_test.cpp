#include "auth/base64url.hpp"

#include "token_maker.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace tern::auth {
namespace {

using namespace std::chrono_literals;
using test::Attempt;
using test::AuthWorld;

/// A token with its name, and the answer to it.
struct Case {
  std::string name;
  unsigned status;
  std::function<Attempt(AuthWorld&)> make;
  unsigned again = 0;  ///< the answer to the second try; 0 when it is the same
};
using Cases = std::vector<Case>;

/// Each case is tried with an authenticator of its own, twice: the second time it may be known.
void try_all(const Cases& cases) {
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    AuthWorld world;
    const Attempt attempt = each.make(world);
    EXPECT_EQ(world.status(attempt), each.status);
    EXPECT_EQ(world.status(attempt), each.again != 0 ? each.again : each.status);
  }
}

/// A channel's message with a claim set.
Case claim(std::string name, std::string_view claim_name, test::Value value, unsigned status = 401) {
  return {std::move(name), status,
          [claim_name, value](AuthWorld& world) { return world.channel().claim(claim_name, value); }};
}

/// A channel's message with a member of the header set.
Case head(std::string name, std::string_view member, test::Value value, unsigned status = 401) {
  return {std::move(name), status, [member, value](AuthWorld& world) { return world.channel().head(member, value); }};
}

/// A channel's message whose token is what `change` makes of a good one.
Case text(std::string name, std::function<std::string(std::string)> change, unsigned status = 401) {
  return {std::move(name), status, [change](AuthWorld& world) {
            auto attempt = world.channel();
            return attempt.send(change(attempt.token()));
          }};
}

/// A token of the tenant with a claim set.
Case tenant_claim(std::string name, std::string_view claim_name, test::Value value, unsigned status = 401) {
  return {std::move(name), status,
          [claim_name, value](AuthWorld& world) { return world.tenant(test::caller_id).claim(claim_name, value); }};
}

/// A channel's message that expires, or begins to be valid, at this time from now.
Case time(std::string name, std::string_view claim_name, std::chrono::seconds from_now, unsigned status) {
  return {std::move(name), status,
          [claim_name, from_now](AuthWorld& world) { return world.channel().claim(claim_name, world.at(from_now)); }};
}

/// A channel's message with this serviceUrl.
Case service(std::string name, std::string_view url, unsigned status) {
  return {std::move(name), status, [url](AuthWorld& world) {
            auto attempt = world.channel();
            attempt.activity.set_service_url(url);
            return attempt;
          }};
}

/// The key of this case is unknown: that was found out with the first try, and is not asked again soon.
Case unknown_key(Case each) {
  each.again = 503;
  return each;
}

std::string signature_of(const std::string& token) {
  return token.substr(token.rfind('.') + 1);
}

std::string before_signature(const std::string& token) {
  return token.substr(0, token.rfind('.') + 1);
}

Cases bad_algorithms() {
  Cases cases;
  for (const char* name : {"none", "None", "NONE", "nOne", "noNe", "nonE", "NoNe", "nOnE", "NOne", "none ", "nonE\t"}) {
    cases.push_back({std::string("unsigned, alg ") + name, 401, [name](AuthWorld& world) {
                       auto attempt = world.channel().head("alg", name);
                       return attempt.send(test::unsigned_token(attempt.header_text(), attempt.claims_text()) + ".");
                     }});
    cases.push_back(head(std::string("signed, alg ") + name, "alg", name));
  }
  for (const char* name : {"HS256", "HS384", "HS512", "PS256", "ES256", "EdDSA", "rs256", "RS1", "RS256,RS256", ""}) {
    cases.push_back(head(std::string("signed with RS256, alg ") + name, "alg", name));
  }
  cases.push_back(head("alg that is null", "alg", nullptr));
  cases.push_back(head("alg that is a list", "alg", json::array{"RS256"}));
  cases.push_back({"HS256 with the public key as its secret", 401, [](AuthWorld& world) {
                     auto attempt = world.channel().head("alg", "HS256");
                     const auto part = test::unsigned_token(attempt.header_text(), attempt.claims_text());
                     return attempt.send(part + "." +
                                         encode_base64url(test::hmac_sha256(test::test_key().public_pem(), part)));
                   }});
  cases.push_back({"HS256 with the modulus as its secret", 401, [](AuthWorld& world) {
                     auto attempt = world.channel().head("alg", "HS256");
                     const auto part = test::unsigned_token(attempt.header_text(), attempt.claims_text());
                     const std::string secret(test::test_key().jwk("k").at("n").get_string());
                     return attempt.send(part + "." + encode_base64url(test::hmac_sha256(secret, part)));
                   }});
  cases.push_back({"HMAC called RS256", 401, [](AuthWorld& world) {
                     auto attempt = world.channel();
                     const auto part = test::unsigned_token(attempt.header_text(), attempt.claims_text());
                     return attempt.send(part + "." +
                                         encode_base64url(test::hmac_sha256(test::test_key().public_pem(), part)));
                   }});
  for (const auto& [name, algorithm] : {std::pair{"RS384", Algorithm::rs384}, {"RS512", Algorithm::rs512}}) {
    cases.push_back({std::string("signed with ") + name + ", which the issuer does not list", 401,
                     [alg = name, made_with = algorithm](AuthWorld& world) {
                       auto attempt = world.channel().head("alg", alg);
                       return attempt.send(attempt.token(made_with));
                     }});
  }
  cases.push_back({"signed with RS512, alg RS256", 401, [](AuthWorld& world) {
                     auto attempt = world.channel();
                     return attempt.send(attempt.token(Algorithm::rs512));
                   }});
  return cases;
}

Cases bad_headers() {
  Cases cases;
  cases.push_back(head("kid that is empty", "kid", ""));
  for (const char* kid : {"unknown", "CHANNEL-KEY", "channel-key ", "../channel-key", "channel-key\\u0000x",
                          "' OR 1=1 --", "/dev/null", "https://evil.example/key", "tenant-key", "0"}) {
    cases.push_back(unknown_key(head(std::string("kid ") + kid, "kid", kid)));
  }
  cases.push_back(head("kid that is null", "kid", nullptr));
  cases.push_back(head("kid that is a number", "kid", 1));
  cases.push_back(head("kid that is a list", "kid", json::array{test::Value(test::channel_key).value}));
  cases.push_back(head("kid that is long", "kid", std::string(300, 'k')));
  cases.push_back(head("crit", "crit", json::array{"exp"}));
  cases.push_back(head("crit that is empty", "crit", json::array()));
  cases.push_back(head("b64 that is false", "b64", false));
  cases.push_back({"no kid, but x5t", 401, [](AuthWorld& world) {
                     auto attempt = world.channel();
                     attempt.header.erase("kid");
                     return attempt;
                   }});
  // Another key, which the header brings along.
  for (const auto& [member, value] :
       std::vector<std::pair<const char*, test::Value>>{{"jwk", test::other_key().jwk(test::channel_key)},
                                                        {"jku", "https://evil.example/keys"},
                                                        {"x5u", "https://evil.example/certificate"},
                                                        {"x5c", json::array{"MIIB"}}}) {
    cases.push_back({std::string("signed with another key, which is the header's ") + member, 401,
                     [at = member, brought = value](AuthWorld& world) {
                       auto attempt = world.channel().head(at, brought);
                       return attempt.send(
                           test::signed_token(attempt.header_text(), attempt.claims_text(), test::other_key()));
                     }});
  }
  for (const char* duplicate :
       {R"("alg":"none")", R"("alg":"RS256")", R"("kid":"other")", R"("k\u0069d":"channel-key")"}) {
    cases.push_back({std::string("header with two times ") + duplicate, 401, [duplicate](AuthWorld& world) {
                       auto attempt = world.channel();
                       auto header = attempt.header_text();
                       header.insert(header.size() - 1, std::string(",") + duplicate);
                       return attempt.send(test::signed_token(header, attempt.claims_text()));
                     }});
  }
  return cases;
}

Cases bad_forms() {
  Cases cases{
      text("empty", [](const std::string&) { return ""; }),
      text("a space", [](const std::string&) { return " "; }),
      text("one dot", [](const std::string&) { return "."; }),
      text("two dots", [](const std::string&) { return ".."; }),
      text("a word", [](const std::string&) { return "token"; }),
      text("signature left out", [](const std::string& token) { return token.substr(0, token.rfind('.')); }),
      text("signature empty", [](const std::string& token) { return before_signature(token); }),
      text("signature cut by one character",
           [](const std::string& token) { return token.substr(0, token.size() - 1); }),
      text("signature cut to a half", [](const std::string& token) { return token.substr(0, token.size() - 170); }),
      text("signature of one byte", [](const std::string& token) { return before_signature(token) + "AA"; }),
      text("signature of zeros",
           [](const std::string& token) { return before_signature(token) + encode_base64url(std::string(256, '\0')); }),
      text("signature with a byte more",
           [](const std::string& token) {
             return before_signature(token) + encode_base64url(*decode_base64url(signature_of(token)) + "x");
           }),
      text("signature with padding", [](const std::string& token) { return token + "=="; }),
      text("signature with a newline", [](const std::string& token) { return token + "\n"; }),
      text("signature with another last character",
           [](std::string token) {
             token.back() = token.back() == 'B' ? 'C' : 'B';
             return token;
           }),
      text("two signatures", [](const std::string& token) { return token + "." + signature_of(token); }),
      text("token two times", [](const std::string& token) { return token + token; }),
      text("token and a comma", [](const std::string& token) { return token + ", " + token; }),
      text("claims left out",
           [](const std::string& token) { return token.substr(0, token.find('.')) + ".." + signature_of(token); }),
      text("header left out", [](const std::string& token) { return token.substr(token.find('.')); }),
      text("header that is no base64url", [](const std::string& token) { return "*" + token; }),
      text("too long", [](const std::string& token) { return token + std::string(max_token_size, 'A'); }),
      text("claims of another", [](const std::string& token) {
        const auto other = test::unsigned_token("{}", R"({"iss":"https://api.botframework.com"})");
        return token.substr(0, token.find('.')) + other.substr(other.find('.')) + "." + signature_of(token);
      })};
  cases.push_back({"signature of another token", 401, [](AuthWorld& world) {
                     const auto other = world.channel().claim("exp", world.at(7200s)).token();
                     auto attempt = world.channel();
                     return attempt.send(before_signature(attempt.token()) + signature_of(other));
                   }});
  cases.push_back({"signed with a key that nobody trusts", 401, [](AuthWorld& world) {
                     auto attempt = world.channel();
                     return attempt.send(
                         test::signed_token(attempt.header_text(), attempt.claims_text(), test::other_key()));
                   }});
  cases.push_back({"claims changed after they were signed", 401, [](AuthWorld& world) {
                     const auto good = world.channel().token();
                     auto attempt = world.channel().claim("serviceurl", "https://evil.example/");
                     return attempt.send(test::unsigned_token(attempt.header_text(), attempt.claims_text()) + "." +
                                         signature_of(good));
                   }});
  for (const char* duplicate : {R"("aud":"x")", R"("exp":99999999999)", R"("is\u0073":"x")", R"("x":{"y":1,"y":1})"}) {
    cases.push_back({std::string("claims with two times ") + duplicate, 401, [duplicate](AuthWorld& world) {
                       auto attempt = world.channel();
                       auto claims = attempt.claims_text();
                       claims.insert(claims.size() - 1, std::string(",") + duplicate);
                       return attempt.send(test::signed_token(attempt.header_text(), claims));
                     }});
  }
  for (const char* claims : {"[]", "null", "\"x\"", "{", ""}) {
    cases.push_back({std::string("claims that are ") + claims, 401, [claims](AuthWorld& world) {
                       auto attempt = world.channel();
                       return attempt.send(test::signed_token(attempt.header_text(), claims));
                     }});
  }
  return cases;
}

Cases bad_claims() {
  Cases cases{claim("iss of a stranger", "iss", "https://evil.example"),
              claim("iss with a slash", "iss", "https://api.botframework.com/"),
              claim("iss over http", "iss", "http://api.botframework.com"),
              claim("iss in capital letters", "iss", "HTTPS://API.BOTFRAMEWORK.COM"),
              claim("iss of another cloud", "iss", "https://api.botframework.us"),
              claim("iss that is a list", "iss", json::array{"https://api.botframework.com"}),
              claim("iss that is null", "iss", nullptr),
              claim("iss that is empty", "iss", ""),
              claim("aud of another bot", "aud", test::stranger_id),
              claim("aud that is the channel", "aud", "https://api.botframework.com"),
              claim("aud that is a list", "aud", json::array{test::Value(test::bot_id).value}),
              claim("aud that is empty", "aud", ""),
              claim("aud that is null", "aud", nullptr),
              claim("aud with another scheme", "aud", "spn:" + std::string(test::bot_id)),
              claim("aud with two schemes", "aud", "api://api://" + std::string(test::bot_id)),
              claim("aud with a path", "aud", "api://" + std::string(test::bot_id) + "/x"),
              claim("aud with a host", "aud", "api://evil.example/botid-" + std::string(test::bot_id)),
              claim("aud that begins with the bot", "aud", std::string(test::bot_id) + "0"),
              time("expired for as long as the skew", "exp", -300s, 401),
              time("expired for longer", "exp", -301s, 401),
              time("expired for a day", "exp", -86400s, 401),
              claim("exp that is zero", "exp", 0),
              claim("exp that is negative", "exp", -1),
              claim("exp that is a text", "exp", "4102444800"),
              claim("exp that is null", "exp", nullptr),
              claim("exp beyond all time", "exp", 1e300),
              time("valid a second after the skew", "nbf", 301s, 401),
              time("valid in 400 s", "nbf", 400s, 401),
              claim("nbf that is a text", "nbf", "0"),
              claim("nbf that is null", "nbf", nullptr)};
  for (const char* name : {"iss", "aud", "exp"}) {
    cases.push_back(
        {std::string("no ") + name, 401, [name](AuthWorld& world) { return world.channel().without(name); }});
  }
  return cases;
}

Cases bad_tenants() {
  const std::string other(test::other_tenant_id);
  Cases cases{
      tenant_claim("iss of a tenant that is not allowed", "iss",
                   "https://login.microsoftonline.com/" + other + "/v2.0"),
      tenant_claim("iss of version 1.0 of a tenant that is not allowed", "iss",
                   "https://sts.windows.net/" + other + "/"),
      tenant_claim("iss of common", "iss", "https://login.microsoftonline.com/common/v2.0"),
      tenant_claim("iss with a placeholder", "iss", "https://login.microsoftonline.com/{tenantid}/v2.0"),
      tenant_claim("iss without its version", "iss",
                   "https://login.microsoftonline.com/" + std::string(test::tenant_id)),
      tenant_claim("iss of another login", "iss",
                   "https://login.microsoftonline.us/" + std::string(test::tenant_id) + "/v2.0"),
      tenant_claim("iss of a host that only begins alike", "iss",
                   "https://login.microsoftonline.com.evil.example/" + std::string(test::tenant_id) + "/v2.0"),
      unknown_key(tenant_claim("iss of the channels, with the tenant's key", "iss", "https://api.botframework.com")),
      tenant_claim("tid of another tenant", "tid", other),
      tenant_claim("tid that is null", "tid", nullptr),
      tenant_claim("tid that is a list", "tid", json::array{test::Value(test::tenant_id).value}),
      tenant_claim("ver of another version", "ver", "3.0"),
      tenant_claim("ver that is a number", "ver", 2.0),
      tenant_claim("ver 1.0 without appid", "ver", "1.0"),
      tenant_claim("azp that is empty", "azp", ""),
      tenant_claim("azp that is a list", "azp", json::array{test::Value(test::caller_id).value}),
      tenant_claim("made for a user, by scp", "scp", "access_as_user"),
      tenant_claim("made for a user, by idtyp", "idtyp", "user"),
      tenant_claim("idtyp that is null", "idtyp", nullptr),
      tenant_claim("another bot, which may not call", "azp", test::stranger_id, 403),
      tenant_claim("another bot of this process, which may not call", "azp", test::other_bot_id, 403),
      tenant_claim("serviceurl of another service", "serviceurl", "https://evil.example/", 403),
      {"emulator made for a user", 401, [](AuthWorld& world) { return world.tenant(test::bot_id).claim("scp", "x"); }},
      {"bot's own token for the channel", 401,
       [](AuthWorld& world) { return world.tenant(test::bot_id).claim("aud", "https://api.botframework.com"); }},
      unknown_key({"a channel's key under a tenant's issuer", 401,
                   [](AuthWorld& world) { return world.tenant(test::caller_id).head("kid", test::channel_key); }}),
      tenant_claim("of a public client", "azpacr", "0"),
      tenant_claim("of a public client, as a number", "azpacr", 0),
      {"of a public client, version 1.0", 401,
       [](AuthWorld& world) { return world.tenant_v1(test::caller_id).claim("appidacr", "0"); }},
      {"an agentic user's, of a public client", 401,
       [](AuthWorld& world) { return world.agentic().claim("azpacr", "0"); }},
      {"agentic, for another blueprint", 403,
       [](AuthWorld& world) { return world.agentic().claim("aud", test::other_bot_id); }}};
  for (const char* name : {"tid", "ver", "azp"}) {
    cases.push_back({std::string("tenant's token without ") + name, 401,
                     [name](AuthWorld& world) { return world.tenant(test::caller_id).without(name); }});
  }
  return cases;
}

Cases bad_activities() {
  Cases cases{service("serviceUrl of another host", "https://evil.example/teams/", 403),
              service("serviceUrl over http", "http://smba.example/teams/", 403),
              service("serviceUrl with another port", "https://smba.example:8443/teams/", 403),
              service("serviceUrl with another path", "https://smba.example/Teams/", 403),
              service("serviceUrl with a longer path", "https://smba.example/teams/x", 403),
              service("serviceUrl with a user name", "https://smba.example@evil.example/teams/", 403),
              service("serviceUrl with a query", "https://smba.example/teams/?x=1", 403),
              claim("serviceurl that is empty", "serviceurl", "", 403),
              claim("serviceurl that is null", "serviceurl", nullptr, 403),
              claim("serviceurl that is a list", "serviceurl", json::array{test::Value(test::service).value}, 403),
              claim("serviceurl that is no URL", "serviceurl", "teams", 403)};
  cases.push_back({"no serviceurl", 403, [](AuthWorld& world) { return world.channel().without("serviceurl"); }});
  cases.push_back({"no serviceurl, and no serviceUrl", 403, [](AuthWorld& world) {
                     auto attempt = world.channel().without("serviceurl");
                     attempt.activity.json().erase("serviceUrl");
                     return attempt;
                   }});
  cases.push_back({"key that is not endorsed for the channel", 403, [](AuthWorld& world) {
                     auto attempt = world.channel(test::endorsed_key);
                     attempt.activity.set_channel_id("slack");
                     return attempt;
                   }});
  cases.push_back({"key that is endorsed, and no channel", 403, [](AuthWorld& world) {
                     auto attempt = world.channel(test::endorsed_key);
                     attempt.activity.json().erase("channelId");
                     return attempt;
                   }});
  cases.push_back({"recipient that is another bot of this process", 403, [](AuthWorld& world) {
                     auto attempt = world.channel();
                     attempt.activity.set_recipient(ChannelAccount("28:" + std::string(test::other_bot_id)));
                     return attempt;
                   }});
  return cases;
}

Cases bad_requests() {
  const auto sent = [](std::string name, std::function<std::string(const std::string&)> header) {
    return Case{std::move(name), 401, [header](AuthWorld& world) {
                  auto attempt = world.channel();
                  attempt.authorization = header(attempt.token());
                  return attempt;
                }};
  };
  return {sent("no header", [](const std::string&) { return ""; }),
          sent("no scheme", [](const std::string& token) { return token; }),
          sent("another scheme", [](const std::string& token) { return "Basic " + token; }),
          sent("a scheme that only begins alike", [](const std::string& token) { return "Bearer2 " + token; }),
          sent("no space", [](const std::string& token) { return "Bearer" + token; }),
          sent("a tab", [](const std::string& token) { return "Bearer\t" + token; }),
          sent("scheme alone", [](const std::string&) { return "Bearer"; }),
          sent("something behind the token", [](const std::string& token) { return "Bearer " + token + " x"; })};
}

Cases good_tokens() {
  const std::string bot(test::bot_id);
  Cases cases{
      {"a channel", 200, [](AuthWorld& world) { return world.channel(); }},
      {"a channel that the key is endorsed for", 200,
       [](AuthWorld& world) { return world.channel(test::endorsed_key); }},
      claim("aud api://", "aud", "api://" + bot, 200),
      claim("aud api://botid-", "aud", "api://botid-" + bot, 200),
      claim("aud in capital letters", "aud", "B0700000-0000-4000-8000-000000000001", 200),
      claim("a claim that nobody knows", "x", json::object{{"y", json::array{1}}}, 200),
      claim("a channel's tid of any tenant", "tid", test::other_tenant_id, 200),
      head("typ at+jwt", "typ", "at+jwt", 200),
      head("cty", "cty", "JWT", 200),
      head("jku that nobody fetches", "jku", "https://evil.example/keys", 200),
      head("jwk that nobody uses", "jwk", test::other_key().jwk("channel-key"), 200),
      time("expired for less than the skew", "exp", -299s, 200),
      time("valid in 200 s", "nbf", 200s, 200),
      time("valid exactly after the skew", "nbf", 300s, 200),
      claim("times that are no whole seconds", "nbf", 1.5, 200),
      service("serviceUrl without its slash", "https://smba.example/teams", 200),
      service("serviceUrl with its port", "https://smba.example:443/teams/", 200),
      service("serviceUrl in capital letters", "HTTPS://SMBA.example/teams/", 200),
      {"no nbf", 200, [](AuthWorld& world) { return world.channel().without("nbf"); }},
      {"no typ", 200,
       [](AuthWorld& world) {
         auto attempt = world.channel();
         attempt.header.erase("typ");
         return attempt;
       }},
      {"no serviceUrl, for an answer in the response", 200,
       [](AuthWorld& world) {
         auto attempt = world.channel();
         attempt.activity.json().erase("serviceUrl");
         return attempt;
       }},
      {"no channel, and a key for all", 200,
       [](AuthWorld& world) {
         auto attempt = world.channel();
         attempt.activity.json().erase("channelId");
         return attempt;
       }},
      {"no recipient", 200,
       [](AuthWorld& world) {
         auto attempt = world.channel();
         attempt.activity.json().erase("recipient");
         return attempt;
       }},
      {"the second bot", 200,
       [](AuthWorld& world) {
         auto attempt = world.channel().claim("aud", test::other_bot_id);
         attempt.activity.set_recipient(ChannelAccount(test::other_bot_id));
         return attempt;
       }},
      {"scheme in small letters", 200,
       [](AuthWorld& world) {
         auto attempt = world.channel();
         attempt.authorization = "bearer  " + attempt.token();
         return attempt;
       }},
      {"an emulator, version 2.0", 200, [](AuthWorld& world) { return world.tenant(test::bot_id); }},
      {"an emulator, version 1.0", 200, [](AuthWorld& world) { return world.tenant_v1(test::bot_id); }},
      {"a bot that may call, version 2.0", 200, [](AuthWorld& world) { return world.tenant(test::caller_id); }},
      {"a bot that may call, version 1.0", 200, [](AuthWorld& world) { return world.tenant_v1(test::caller_id); }},
      {"an agentic user", 200, [](AuthWorld& world) { return world.agentic(); }},
      tenant_claim("idtyp app", "idtyp", "app", 200),
      tenant_claim("a client with a secret", "azpacr", "1", 200),
      tenant_claim("a client with a certificate", "azpacr", "2", 200),
      {"a bot that passes on what another bot of this process got", 200,
       [](AuthWorld& world) {
         auto attempt = world.tenant(test::caller_id);
         attempt.activity.set_recipient(ChannelAccount("28:" + std::string(test::other_bot_id)));
         return attempt;
       }},
      tenant_claim("a tenant's serviceurl", "serviceurl", test::service, 200),
      tenant_claim("tid in capital letters", "tid", "7E4A4700-0000-4000-8000-000000000001", 200)};
  return cases;
}

Cases bad_tokens() {
  Cases all;
  for (const auto& cases :
       {bad_algorithms(), bad_headers(), bad_forms(), bad_claims(), bad_tenants(), bad_activities(), bad_requests()}) {
    all.insert(all.end(), cases.begin(), cases.end());
  }
  return all;
}

TEST(Tokens, WithABadAlgorithmAreRefused) {
  try_all(bad_algorithms());
}

TEST(Tokens, WithABadHeaderAreRefused) {
  try_all(bad_headers());
}

TEST(Tokens, OfABadFormAreRefused) {
  try_all(bad_forms());
}

TEST(Tokens, WithBadClaimsAreRefused) {
  try_all(bad_claims());
}

TEST(Tokens, OfBadTenantsAndCallersAreRefused) {
  try_all(bad_tenants());
}

TEST(Tokens, AreRefusedWithActivitiesThatTheyAreNotFor) {
  try_all(bad_activities());
}

TEST(Tokens, AreRefusedInOtherHeaders) {
  try_all(bad_requests());
}

TEST(Tokens, ThatAreGoodAreAccepted) {
  try_all(good_tokens());
}

TEST(Tokens, AreManyAndEachHasItsName) {
  EXPECT_GE(bad_tokens().size(), 80U);
  EXPECT_GE(good_tokens().size(), 20U);
  std::set<std::string> names;
  for (const auto& cases : {bad_tokens(), good_tokens()}) {
    for (const Case& each : cases) {
      EXPECT_TRUE(names.insert(each.name).second) << each.name;
    }
  }
}

}  // namespace
}  // namespace tern::auth

// Every call of Direct Line 3.0 with every status that its specification documents, and what a stranger may not do.
// Source: the Swagger file of Direct Line 3.0 (operations and their responses), written down here as a table.
#include "direct_line/calls.hpp"
#include "unit/direct_line/world.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tern::direct_line {
namespace {

using namespace std::chrono_literals;
using http::HttpResponse;
using http::Method;
using test::code_of;
using test::form_with;
using test::TestRequest;
using test::upload_request;
using test::World;

/// One documented status of one operation, and a request that gets it. Without a request the status is never given.
struct Documented {
  const char* operation;
  unsigned status;
  HttpResponse (*ask)(World& world);
};

std::string path_of_activities(const World::Client& client) {
  return "/conversations/" + client.id + "/activities";
}

World::Client of_expired_token(World& world) {
  auto client = world.begin();
  world.clock.advance(1800s);
  return client;
}

HttpResponse when_store_is_away(World& world, const std::function<HttpResponse()>& ask) {
  world.faults->calls_left = 0;
  return ask();
}

// The last of many messages.
HttpResponse after_a_flood(World& world, const std::function<HttpResponse()>& ask) {
  HttpResponse last;
  for (int i = 0; i < 30 && last.status != 429; ++i) {
    last = ask();
  }
  (void)world;
  return last;
}

void let_bot_fail(World& world) {
  world.bot.result.outcome = TurnOutcome::failed;
}

HttpResponse open_too_many_sockets(World& world) {
  const auto client = world.begin();
  std::vector<HttpResponse> open;
  for (int i = 0; i < 100; ++i) {
    world.clock.advance(std::chrono::milliseconds(100));
    const auto again = World::client_of(world.get("/conversations/" + client.id, client.token));
    open.push_back(world.get(again.stream, ""));
    if (open.back().status == 429) {
      return std::move(open.back());
    }
  }
  return HttpResponse(0);
}

const std::vector<Documented> documented{
    {"Session_GetSessionId", 200, [](World& w) { return w.get("/session/getsessionid", w.begin().token); }},

    {"Conversations_StartConversation", 200,
     [](World& w) { return w.post("/conversations", w.begin().token, R"({"user":{"id":"u"}})"); }},
    {"Conversations_StartConversation", 201, [](World& w) { return w.post("/conversations", World::secret); }},
    {"Conversations_StartConversation", 400, [](World& w) { return w.post("/conversations", World::secret, "{"); }},
    {"Conversations_StartConversation", 401, [](World& w) { return w.post("/conversations", "x"); }},
    {"Conversations_StartConversation", 403,
     [](World& w) { return w.post("/conversations", of_expired_token(w).token); }},
    {"Conversations_StartConversation", 404,
     [](World& w) {
       const auto client = w.begin();
       w.post(path_of_activities(client), client.token, R"({"type":"endOfConversation","from":{"id":"u"}})");
       return w.post("/conversations", client.token);
     }},
    {"Conversations_StartConversation", 409, nullptr},  // a conversation that has begun is gone on with: 200
    {"Conversations_StartConversation", 429,
     [](World& w) {
       const auto token = w.begin().token;
       return after_a_flood(w, [&] { return w.post("/conversations", token); });
     }},
    {"Conversations_StartConversation", 500,
     [](World& w) { return when_store_is_away(w, [&] { return w.post("/conversations", World::secret); }); }},

    {"Conversations_ReconnectToConversation", 200,
     [](World& w) {
       const auto client = w.begin();
       return w.get("/conversations/" + client.id + "?watermark=1", client.token);
     }},
    {"Conversations_ReconnectToConversation", 400,
     [](World& w) {
       const auto client = w.begin();
       return w.get("/conversations/" + client.id + "?watermark=x", client.token);
     }},
    {"Conversations_ReconnectToConversation", 401,
     [](World& w) { return w.get("/conversations/" + w.begin().id, "x"); }},
    {"Conversations_ReconnectToConversation", 403,
     [](World& w) {
       const auto client = of_expired_token(w);
       return w.get("/conversations/" + client.id, client.token);
     }},
    {"Conversations_ReconnectToConversation", 404,
     [](World& w) { return w.get("/conversations/" + test::other_id, World::secret); }},
    {"Conversations_ReconnectToConversation", 429, open_too_many_sockets},  // the socket that it leads to
    {"Conversations_ReconnectToConversation", 500,
     [](World& w) {
       return when_store_is_away(w, [&] { return w.get("/conversations/" + test::other_id, World::secret); });
     }},

    {"Conversations_GetActivities", 200,
     [](World& w) {
       const auto client = w.begin();
       return w.get(path_of_activities(client), client.token);
     }},
    {"Conversations_GetActivities", 400,
     [](World& w) {
       const auto client = w.begin();
       return w.get(path_of_activities(client) + "?watermark=-1", client.token);
     }},
    {"Conversations_GetActivities", 401, [](World& w) { return w.get(path_of_activities(w.begin()), "x"); }},
    {"Conversations_GetActivities", 403,
     [](World& w) {
       const auto client = of_expired_token(w);
       return w.get(path_of_activities(client), client.token);
     }},
    {"Conversations_GetActivities", 404,
     [](World& w) { return w.get("/conversations/" + test::other_id + "/activities", World::secret); }},
    {"Conversations_GetActivities", 429, nullptr},  // a client that polls gives up for good when it is answered 429
    {"Conversations_GetActivities", 500,
     [](World& w) {
       return when_store_is_away(
           w, [&] { return w.get("/conversations/" + test::other_id + "/activities", World::secret); });
     }},

    {"Conversations_PostActivity", 200, [](World& w) { return w.say(w.begin(), "hi"); }},
    {"Conversations_PostActivity", 204, nullptr},  // there is always an id
    {"Conversations_PostActivity", 400,
     [](World& w) {
       const auto client = w.begin();
       return w.post(path_of_activities(client), client.token, R"({"type":"conversationUpdate"})");
     }},
    {"Conversations_PostActivity", 401, [](World& w) { return w.say({w.begin().id, "x", {}}, "hi"); }},
    {"Conversations_PostActivity", 403, [](World& w) { return w.say(of_expired_token(w), "hi"); }},
    {"Conversations_PostActivity", 404, [](World& w) { return w.say({test::other_id, World::secret, {}}, "hi"); }},
    {"Conversations_PostActivity", 429,
     [](World& w) {
       const auto client = w.begin();
       return after_a_flood(w, [&] { return w.say(client, "hi"); });
     }},
    {"Conversations_PostActivity", 500,
     [](World& w) {
       const auto client = w.begin();
       w.faults->writes_fail = true;
       return w.say(client, "hi");
     }},
    {"Conversations_PostActivity", 502,
     [](World& w) {
       const auto client = w.begin();
       let_bot_fail(w);
       return w.say(client, "hi");
     }},

    {"Conversations_Upload", 200,
     [](World& w) {
       auto request = upload_request(w.begin(), form_with("image/png", "x"));
       return w.call(request);
     }},
    {"Conversations_Upload", 202, nullptr},  // the answer comes when the bot has it
    {"Conversations_Upload", 204, nullptr},
    {"Conversations_Upload", 400,
     [](World& w) {
       auto request = upload_request(w.begin(), "no form");
       return w.call(request);
     }},
    {"Conversations_Upload", 401,
     [](World& w) {
       auto request = upload_request({w.begin().id, "x", {}}, form_with("image/png", "x"));
       return w.call(request);
     }},
    {"Conversations_Upload", 403,
     [](World& w) {
       auto request = upload_request(of_expired_token(w), form_with("image/png", "x"));
       return w.call(request);
     }},
    {"Conversations_Upload", 404,
     [](World& w) {
       auto request = upload_request({test::other_id, World::secret, {}}, form_with("image/png", "x"));
       return w.call(request);
     }},
    {"Conversations_Upload", 429,
     [](World& w) {
       auto request = upload_request(w.begin(), form_with("image/png", "x"));
       return after_a_flood(w, [&] { return w.call(request); });
     }},
    {"Conversations_Upload", 500,
     [](World& w) {
       auto request = upload_request(w.begin(), form_with("image/png", "x"));
       w.faults->writes_fail = true;
       return w.call(request);
     }},
    {"Conversations_Upload", 502,
     [](World& w) {
       auto request = upload_request(w.begin(), form_with("image/png", "x"));
       let_bot_fail(w);
       return w.call(request);
     }},

    {"Tokens_RefreshToken", 200, [](World& w) { return w.post("/tokens/refresh", w.begin().token); }},
    {"Tokens_RefreshToken", 401, [](World& w) { return w.post("/tokens/refresh", "x"); }},
    {"Tokens_RefreshToken", 403, [](World& w) { return w.post("/tokens/refresh", of_expired_token(w).token); }},
    {"Tokens_RefreshToken", 404, nullptr},  // a token is refreshed whether its conversation has begun or not
    {"Tokens_RefreshToken", 429,
     [](World& w) {
       const auto token = w.begin().token;
       return after_a_flood(w, [&] { return w.post("/tokens/refresh", token); });
     }},
    {"Tokens_RefreshToken", 500, nullptr},  // it needs no store

    {"Tokens_GenerateTokenForNewConversation", 200,
     [](World& w) { return w.post("/tokens/generate", World::secret, R"({"user":{"id":"u"}})"); }},
    {"Tokens_GenerateTokenForNewConversation", 401, [](World& w) { return w.post("/tokens/generate", "x"); }},
    {"Tokens_GenerateTokenForNewConversation", 403,
     [](World& w) { return w.post("/tokens/generate", w.begin().token); }},
    {"Tokens_GenerateTokenForNewConversation", 404, nullptr},
    {"Tokens_GenerateTokenForNewConversation", 429, nullptr},  // who has the secret is not limited
    {"Tokens_GenerateTokenForNewConversation", 500, nullptr},
};

TEST(DirectLineConformance, GivesEveryStatusThatIsDocumented) {
  for (const auto& row : documented) {
    if (row.ask == nullptr) {
      continue;
    }
    Options options;
    options.bounds.conversation_sockets = 3;
    World world(options);
    const auto response = row.ask(world);
    EXPECT_EQ(response.status, row.status) << row.operation << ' ' << response.body;
    if (row.status >= 400) {
      EXPECT_FALSE(code_of(response).empty()) << row.operation;
    }
    if (row.status == 403 && row.operation != std::string("Tokens_GenerateTokenForNewConversation")) {
      EXPECT_EQ(code_of(response), "TokenExpired") << row.operation;
    }
    if (row.status == 429) {
      EXPECT_FALSE(test::header_of(response, "Retry-After").empty()) << row.operation;
    }
  }
}

TEST(DirectLineConformance, AnswersWithTheMembersOfTheSpecification) {
  World world;
  const auto begun = json::parse(world.post("/conversations", World::secret).body).as_object();
  for (const char* name : {"conversationId", "token", "expires_in", "streamUrl", "referenceGrammarId"}) {
    EXPECT_TRUE(begun.contains(name)) << name;
  }
  EXPECT_EQ(begun.at("expires_in"), 1800);
  EXPECT_TRUE(begun.at("streamUrl").as_string().starts_with("ws://bot.example/v3/directline/conversations/"));
  const auto client = world.begin();
  world.say(client, "hi");
  const auto set = json::parse(world.get(path_of_activities(client), client.token).body).as_object();
  EXPECT_EQ(set.at("watermark"), "1");
  EXPECT_EQ(set.at("activities").as_array().size(), 1U);
}

/// What a stranger tries, and the status that it gets.
struct Attempt {
  const char* what;
  unsigned status;
  HttpResponse (*ask)(World& world);
};

const std::vector<Attempt> attempts{
    {"no Authorization", 401,
     [](World& w) {
       TestRequest request(Method::post, "/v3/directline/conversations");
       return w.call(request);
     }},
    {"a secret without Bearer", 401,
     [](World& w) {
       TestRequest request(Method::post, "/v3/directline/conversations");
       return w.call(request.with("authorization", World::secret));
     }},
    {"an empty token", 401, [](World& w) { return w.post("/conversations", ""); }},
    {"Bearer undefined", 401, [](World& w) { return w.post("/conversations", "undefined"); }},
    {"a forged token", 401,
     [](World& w) {
       auto token = w.begin().token;
       token[token.size() / 2] ^= 1;
       return w.post("/conversations", token);
     }},
    {"the token of another conversation, to read", 404,
     [](World& w) { return w.get("/conversations/" + w.begin().id + "/activities", w.begin().token); }},
    {"the token of another conversation, to write", 404,
     [](World& w) {
       const auto victim = w.begin();
       return w.say({victim.id, w.begin().token, {}}, "as somebody else");
     }},
    {"the token of another conversation, to upload", 404,
     [](World& w) {
       const auto victim = w.begin();
       auto request = upload_request({victim.id, w.begin().token, {}}, form_with("image/png", "x"));
       return w.call(request);
     }},
    {"a token for a ticket", 401,
     [](World& w) {
       const auto client = w.begin();
       return w.get("/conversations/" + client.id + "/stream?t=" + client.token, "");
     }},
    {"a ticket for a token", 401,
     [](World& w) {
       const auto client = w.begin();
       return w.get("/conversations/" + client.id, client.stream.substr(client.stream.find("t=") + 2));
     }},
    {"the ticket of another conversation", 404,
     [](World& w) {
       const auto victim = w.begin();
       const auto own = w.begin().stream;
       return w.get("/conversations/" + victim.id + "/stream" + own.substr(own.find('?')), "");
     }},
    {"a ticket twice", 401,
     [](World& w) {
       const auto client = w.begin();
       w.get(client.stream, "");
       return w.get(client.stream, "");
     }},
    {"an old ticket", 403,
     [](World& w) {
       const auto client = w.begin();
       w.clock.advance(60s);
       return w.get(client.stream, "");
     }},
    {"another origin", 401,
     [](World& w) {
       TestRequest request(Method::post, "/v3/directline/conversations");
       return w.call(request.as(World::secret).with("origin", "https://evil.example"));
     }},
    {"an origin that the token does not trust", 401,
     [](World& w) {
       const auto client = w.begin(R"({"user":{"id":"dl_u"},"trustedOrigins":["https://good.example"]})");
       TestRequest request(Method::post, "/v3/directline/tokens/refresh");
       return w.call(request.as(client.token).with("origin", "https://bot.example"));
     }},
    {"a socket from an origin that the token does not trust", 401,
     [](World& w) {
       const auto client = w.begin(R"({"user":{"id":"dl_u"},"trustedOrigins":["https://good.example"]})");
       TestRequest request(Method::get, "/v3/directline" + client.stream);
       return w.call(request.with("origin", "https://evil.example"));
     }},
    {"a reserved user without a token that names it", 400,
     [](World& w) {
       const auto client = w.begin();
       return w.post(path_of_activities(client), client.token, R"({"type":"message","from":{"id":"dl_boss"}})");
     }},
    {"a reserved user at the beginning", 400,
     [](World& w) {
       const auto token = World::client_of(w.post("/tokens/generate", World::secret)).token;
       return w.post("/conversations", token, R"({"user":{"id":"dl_boss"}})");
     }},
    {"a trusted origin without a reserved user", 400,
     [](World& w) {
       return w.post("/tokens/generate", World::secret,
                     R"({"user":{"id":"u"},"trustedOrigins":["https://good.example"]})");
     }},
    {"a trusted origin that is none", 400,
     [](World& w) { return w.post("/tokens/generate", World::secret, R"({"trustedOrigins":["*"]})"); }},
    {"a path out of the folder", 404, [](World& w) { return w.get("/conversations/../secret", World::secret); }},
    {"an encoded path out of the folder", 404,
     [](World& w) { return w.get("/conversations/%2e%2e%2fsecret/activities", World::secret); }},
    {"a very long id", 404,
     [](World& w) { return w.get("/conversations/" + std::string(10'000, 'a') + "/activities", World::secret); }},
    {"a page as a file", 400,
     [](World& w) {
       auto request = upload_request(w.begin(), form_with("text/html", "<script>alert(1)</script>"));
       return w.call(request);
     }},
    {"a picture with a script", 400,
     [](World& w) {
       auto request = upload_request(w.begin(), form_with("image/svg+xml", "<svg onload='alert(1)'/>"));
       return w.call(request);
     }},
    {"a script as a file", 400,
     [](World& w) {
       auto request = upload_request(w.begin(), form_with("text/javascript", "alert(1)"));
       return w.call(request);
     }},
    {"a file that is too large", 413,
     [](World& w) {
       auto request = upload_request(w.begin(), form_with("image/png", std::string(5'000'000, 'x')));
       return w.call(request);
     }},
    {"an activity that is too large", 413, [](World& w) { return w.say(w.begin(), std::string(300'000, 'x')); }},
    {"an activity that is nested too deep", 400,
     [](World& w) {
       const auto client = w.begin();
       return w.post(path_of_activities(client), client.token,
                     R"({"type":"message","value":)" + std::string(40, '[') + std::string(40, ']') + "}");
     }},
    {"another method", 405,
     [](World& w) {
       TestRequest request(Method::del, "/v3/directline/conversations");
       return w.call(request.as(World::secret));
     }},
    {"a path that is none", 404, [](World& w) { return w.get("/conversations/connect", World::secret); }},
    {"a file that is not there", 404, [](World& w) { return w.get("/attachments/" + test::some_id + "/a.png", ""); }},
};

TEST(DirectLineConformance, LetsAStrangerDoNothing) {
  for (const auto& attempt : attempts) {
    World world;
    const auto response = attempt.ask(world);
    EXPECT_EQ(response.status, attempt.status) << attempt.what << ' ' << response.body;
    if (attempt.status >= 400) {
      EXPECT_FALSE(code_of(response).empty()) << attempt.what;
    }
    for (const auto& activity : world.bot.received) {
      EXPECT_EQ(activity.type(), "conversationUpdate") << attempt.what;
    }
  }
}

}  // namespace
}  // namespace tern::direct_line

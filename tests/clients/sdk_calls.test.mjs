// Bots of both SDKs that call a bot of ours, as a skill or an agent, with each kind of credential, and are answered.

import assert from "node:assert/strict";
import { once } from "node:events";
import https from "node:https";
import { after, before, test } from "node:test";

import { Activity } from "@microsoft/agents-activity";
import {
  ActivityHandler,
  AgentClient,
  CloudAdapter,
  configureResponseController,
  ConversationState,
  MemoryStorage,
} from "@microsoft/agents-hosting";
import { createAgentRequestHandler } from "@microsoft/agents-hosting-express";
import express from "express";

import { Cloud, kinds, tenant } from "./cloud.mjs";
import { agentsConfig, agentsProvider, connectorAuthentication, connectorFactory } from "./sdk_clients.mjs";

let cloud;
const servers = [];

before(async () => {
  cloud = await Cloud.start();
});

after(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await cloud?.stop();
});

// AgentClient 1.8.1 writes "_channelId", the inner name of "channelId", which only its own SDK reads. Then its handler of
// answers misses the channel in what others send back.
Activity.prototype.toJSON = function () {
  const { _channelId, ...rest } = this;
  return _channelId === undefined ? rest : { ...rest, channelId: _channelId };
};

const appOf = (claims) => claims.azp ?? claims.appid;

/** The callers of each kind, and a bot of ours of the same kind that lets them call. */
async function parties(kind) {
  const machine = kind === "federated" ? await cloud.register("identity") : undefined;
  const [callee, connectorApp, agentsApp] = await Promise.all([
    cloud.register(kind),
    cloud.register(kind, machine ? { federated: machine.id } : {}),
    cloud.register(kind),
  ]);
  const bot = await cloud.startBot("echo_bot", callee, { "bot.allowed_callers": `${connectorApp.id},${agentsApp.id}` });
  return { machine, callee, connectorApp, agentsApp, bot };
}

/** A bot of agents-hosting that asks the one of ours about all that it hears, over TLS. */
async function startAgent(app, callee, botUrl) {
  const config = agentsConfig(app);
  const state = new ConversationState(new MemoryStorage());
  const name = `callee_${app.kind}`;
  const web = express();
  web.use(express.json());
  const server = https.createServer({ cert: cloud.certificate.certificate, key: cloud.certificate.privateKey }, web);
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `https://localhost:${server.address().port}`;
  Object.assign(process.env, {
    [`${name}_endpoint`]: `${botUrl}/api/messages`,
    [`${name}_clientId`]: callee.id,
    [`${name}_serviceUrl`]: `${url}/api/agentresponse/`,
  });
  const client = new AgentClient(name);
  const agent = new ActivityHandler();
  agent.onMessage(async (context, next) => {
    await client.postActivity(context.activity, config, state, context);
    await next();
  });
  const adapter = new CloudAdapter({ ...config, validateIssuer: true });
  configureResponseController(web, adapter, agent, state);
  web.post("/api/messages", createAgentRequestHandler(agent, { ...config, validateIssuer: true }));
  return url;
}

test("a bot of agents-hosting calls one of ours, and passes its answer on", async (context) => {
  for (const kind of kinds) {
    await context.test(kind, async () => {
      const { callee, agentsApp, bot } = await parties(kind);
      const url = await startAgent(agentsApp, callee, bot.url);
      const { body, claims } = await cloud.messageIn(await cloud.write(url, agentsApp, "ours", "hello"));
      assert.equal(body.text, "Echo: hello");
      assert.equal(appOf(claims), agentsApp.id);
      assert.equal(cloud.tokens.count(kind, agentsApp.id, callee.id), 1);
      assert.equal(cloud.tokens.count(kind, callee.id, agentsApp.id), 1);
    });
  }
});

/** A bot of botframework-connector that calls one of ours as a skill, and lets the SDK check whoever answers it. */
function skillCaller(app, callee, botUrl, machine) {
  const authentication = connectorAuthentication(connectorFactory(app, machine), tenant, [callee.id]);
  const host = `host_of_${app.id.slice(-4)}`;
  cloud.checkers[host] = async ({ headers }) => {
    const { claims } = await authentication.authenticateChannelRequest(headers.authorization);
    return Object.fromEntries(claims.map(({ type, value }) => [type, value]));
  };
  const client = authentication.createBotFrameworkClient();
  const conversation = `skill-${host}`;
  const activity = (text, more) => ({
    type: "message",
    id: `id-${host}-${text}`,
    text,
    channelId: "msteams",
    serviceUrl: "https://smba.trafficmanager.net/",
    conversation: { id: "of-the-user" },
    from: { id: "29:somebody" },
    recipient: { id: `28:${app.id}` },
    ...more,
  });
  const post = (text, more) =>
    client.postActivity(
      app.id,
      callee.id,
      `${botUrl}/api/messages`,
      cloud.channel.serviceUrl(host),
      conversation,
      activity(text, more),
    );
  return { post, answer: () => cloud.messageIn(conversation) };
}

test("a bot of botframework-connector calls one of ours as a skill, and is answered", async (context) => {
  for (const kind of kinds) {
    await context.test(kind, async () => {
      const { machine, callee, connectorApp, bot } = await parties(kind);
      const caller = skillCaller(connectorApp, callee, bot.url, machine);
      const expected = await caller.post("now", { deliveryMode: "expectReplies" });
      assert.equal(expected.status, 200);
      assert.equal(expected.body.activities[0].text, "Echo: now");
      assert.equal(expected.body.activities[0].callerId, undefined);
      assert.equal((await caller.post("hello")).status, 200);
      const { body, claims } = await caller.answer();
      assert.equal(body.text, "Echo: hello");
      assert.equal(body.callerId, undefined);
      assert.equal(claims.aud, connectorApp.id);
      assert.equal(appOf(claims), callee.id);
      assert.ok(cloud.tokens.count(kind, connectorApp.id, callee.id) > 0);
      assert.equal(cloud.tokens.count(kind, callee.id, connectorApp.id), 1);
    });
  }
});

test("what a bot of ours sends its caller later carries a token for the caller as well", async () => {
  const [callee, app] = await Promise.all([cloud.register("secret"), cloud.register("secret")]);
  const bot = await cloud.startBot("proactive_bot", callee, { "bot.allowed_callers": app.id });
  const caller = skillCaller(app, callee, bot.url);
  assert.equal((await caller.post("later")).status, 200);
  const { body, claims } = await caller.answer();
  assert.equal(body.text, 'You said, "later"');
  assert.equal(claims.aud, app.id);
});

test("a bot that may not call is told so", async () => {
  const [callee, app] = await Promise.all([cloud.register("secret"), cloud.register("secret")]);
  const bot = await cloud.startBot("echo_bot", callee);
  const response = await fetch(`${bot.url}/api/messages`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${await agentsProvider(app).getAccessToken(callee.id)}`,
    },
    body: JSON.stringify({ type: "message", text: "hello", conversation: { id: "c" }, deliveryMode: "expectReplies" }),
  });
  assert.equal(response.status, 403);
});

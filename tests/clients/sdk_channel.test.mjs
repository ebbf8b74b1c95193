// Both SDKs and bots of ours at a channel that asks for tokens, with each kind of credential, on a cloud of our own.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ConnectorClient as AgentsConnector } from "@microsoft/agents-hosting";
import connector from "botframework-connector";

import { channelAudience } from "./channel.mjs";
import { channelHost, Cloud, kinds, tenant } from "./cloud.mjs";
import { agentsConfig, agentsProvider, connectorAuthentication, connectorFactory } from "./sdk_clients.mjs";

let cloud;

before(async () => {
  cloud = await Cloud.start();
});

after(() => cloud?.stop());

const appOf = (claims) => claims.azp ?? claims.appid;

test("a bot of ours shows its token, and each SDK believes it", async (context) => {
  for (const kind of kinds) {
    await context.test(kind, async () => {
      const app = await cloud.register(kind);
      const bot = await cloud.startBot("echo_bot", app);
      for (const checker of ["agents", "connector", "ours"]) {
        const { body, claims } = await cloud.messageIn(await cloud.write(bot.url, app, checker, "hello"));
        assert.equal(body.text, "Echo: hello");
        assert.equal(appOf(claims), app.id);
        assert.equal(claims.aud, channelAudience);
      }
      assert.equal(cloud.tokens.count(kind, app.id, channelAudience), 1, "one token serves all messages");
    });
  }
});

test("a bot of ours shows its token with what it sends later", async () => {
  const app = await cloud.register("certificate");
  const bot = await cloud.startBot("proactive_bot", app);
  const { body, claims } = await cloud.messageIn(await cloud.write(bot.url, app, "agents", "later"));
  assert.equal(body.text, 'You said, "later"');
  assert.equal(appOf(claims), app.id);
});

test("a bot of ours behind a proxy reaches the channel under its public name, with its token", async () => {
  const app = await cloud.register("secret");
  const bot = await cloud.startBot("proactive_bot", app);
  const asked = cloud.proxy.asked.length;
  const conversation = await cloud.write(bot.url, app, "connector", "later", `https://${channelHost}/connector/`);
  const { body, claims } = await cloud.messageIn(conversation);
  assert.equal(body.text, 'You said, "later"');
  assert.equal(appOf(claims), app.id);
  assert.ok(cloud.proxy.asked.slice(asked).includes(`${channelHost}:443`));
});

test("a bot of ours with a wrong secret sends nothing, and says why", async () => {
  const app = await cloud.register("secret");
  const bot = await cloud.startBot("echo_bot", { ...app, secret: "another" });
  await assert.rejects(cloud.write(bot.url, app, "ours", "hello"), /answered 500/);
  assert.match(bot.program.output, /AADSTS7000215/);
  assert.doesNotMatch(bot.program.output, /another/);
});

test("botframework-connector's ConnectorClient shows its token", async (context) => {
  const machine = await cloud.register("identity");
  for (const kind of kinds) {
    await context.test(kind, async () => {
      const app = await cloud.register(kind, kind === "federated" ? { federated: machine.id } : {});
      const factory = connectorAuthentication(connectorFactory(app, machine), tenant).createConnectorFactory(
        new connector.ClaimsIdentity([{ type: "aud", value: app.id }], true),
      );
      for (const checker of ["agents", "ours"]) {
        const client = await factory.create(cloud.channel.serviceUrl(checker), channelAudience);
        const conversation = `connector-${kind}-${checker}`;
        const { id } = await client.conversations.sendToConversation(conversation, { type: "message", text: "hello" });
        assert.match(id, /^m-/);
        assert.equal(appOf((await cloud.messageIn(conversation)).claims), app.id);
      }
      assert.ok(cloud.tokens.count(kind, app.id, channelAudience) > 0, `no token was got with ${kind}`);
    });
  }
});

test("agents-hosting's ConnectorClient shows its token", async (context) => {
  for (const kind of kinds) {
    await context.test(kind, async () => {
      const app = await cloud.register(kind);
      for (const checker of ["connector", "ours"]) {
        const client = await AgentsConnector.createClientWithAuth(
          cloud.channel.serviceUrl(checker),
          agentsConfig(app),
          agentsProvider(app),
          channelAudience,
        );
        const conversation = `agents-${kind}-${checker}`;
        await client.sendToConversation(conversation, { type: "message", text: "hello" });
        assert.equal(appOf((await cloud.messageIn(conversation)).claims), app.id);
      }
      assert.equal(cloud.tokens.count(kind, app.id, channelAudience), 1);
    });
  }
});

// botframework-directlinejs in Node: many conversations at once, each with the client's own WebSocket. Long only for ./dev test-clients.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startBot } from "./bots.mjs";
import { ajaxWith, Client, ConnectionStatus, DirectLine, faster, newToken, secret } from "./direct_line.mjs";

const conversations = process.env.TERN_TEST_LONG ? 1_000 : 100;

let bot;

before(async () => {
  bot = await startBot("proactive_bot", "--set", "direct_line.enabled=true", "--set", `direct_line.secret=${secret}`,
    "--set", "limits.direct_line_address_rate=0", "--set", "limits.direct_line_address_bytes=0"); // all clients have one address here
});

after(async () => {
  await bot?.program.stop();
});

/** Says one thing in a conversation of its own. Resolves with all messages of the bot, once there is one. */
async function converse(number) {
  const token = await newToken(bot.url, `dl_user-${number}`);
  const line = new DirectLine({ token, domain: `${bot.url}/v3/directline`, ajax: ajaxWith() });
  const heard = [];
  try {
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`conversation ${number} has no answer`)), 60_000);
      line.connectionStatus$.subscribe((status) => {
        if (status === ConnectionStatus.FailedToConnect) reject(new Error(`conversation ${number} failed to connect`));
      });
      line.activity$.subscribe((activity) => {
        if (activity.type !== "message" || activity.from.id === `dl_user-${number}`) return;
        heard.push(activity.text);
        clearTimeout(timer);
        resolve();
      }, reject);
      line.postActivity({ type: "message", text: `I am ${number}`, from: { id: `dl_user-${number}` } }).subscribe((id) => {
        if (id === "retry") reject(new Error(`conversation ${number} could not send`));
      }, reject);
    });
  } finally {
    line.end();
  }
  return heard;
}

test(`${conversations} conversations at once each get their own answer`, { timeout: 180_000 }, async () => {
  const heard = await Promise.all(Array.from({ length: conversations }, (_, number) => converse(number)));
  assert.deepEqual(heard, heard.map((_, number) => [`You said, "I am ${number}"`]));
});

// The client refreshes a token after half of its 30 minutes. Here both have a 150th of their time.
test("a client refreshes its token before it expires, and goes on", { timeout: 60_000 }, async () => {
  const quick = await startBot("proactive_bot", "--set", "direct_line.enabled=true", "--set", `direct_line.secret=${secret}`,
    "--set", "direct_line.token_lifetime=12s");
  const calls = [];
  const first = await newToken(quick.url, "dl_first");
  const client = await Client.start(quick.url, "dl_quick", { scheduler: faster(150), seen: (call) => calls.push(call) });
  try {
    await client.say("one");
    await client.until(() => calls.filter(({ path }) => path.endsWith("/refresh")).length >= 3);
    // Longer than a token lives: one that nobody refreshed is refused by now.
    const old = await fetch(`${quick.url}/v3/directline/tokens/refresh`, { method: "POST", headers: { Authorization: `Bearer ${first}` } });
    assert.equal(old.status, 403);
    assert.equal((await old.json()).error.code, "TokenExpired");
    await client.say("two");
    await client.until(() => client.messages().length === 2);
    assert.deepEqual(client.messages(), [`You said, "one"`, `You said, "two"`]);
    assert.deepEqual(calls.filter(({ status }) => status >= 400), []);
    assert.ok(!client.statuses.includes(ConnectionStatus.ExpiredToken));
  } finally {
    client.end();
    await quick.program.stop();
  }
});

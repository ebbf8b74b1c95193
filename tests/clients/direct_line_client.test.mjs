// botframework-directlinejs in Node: many conversations at once, each with the client's own WebSocket. Long only for ./dev test-clients.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { startBot } from "./bots.mjs";

const require = createRequire(import.meta.url);
const { ConnectionStatus, DirectLine } = require("botframework-directlinejs");
const { Observable } = createRequire(require.resolve("botframework-directlinejs"))("rxjs/Observable");

const secret = "a-secret-for-the-tests-of-clients";
const conversations = process.env.TERN_TEST_LONG ? 1_000 : 100;

let bot;

before(async () => {
  bot = await startBot("proactive_bot", "--set", "direct_line.enabled=true", "--set", `direct_line.secret=${secret}`,
    "--set", "limits.direct_line_address_rate=0"); // all clients have one address here
});

after(async () => {
  await bot?.program.stop();
});

// What the client wants of a browser's XMLHttpRequest.
function ajax({ url, method, body, headers }) {
  return Observable.create((subscriber) => {
    const options = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
    fetch(url, options).then(async (response) => {
      const xhr = { getResponseHeader: (name) => response.headers.get(name) };
      const answer = { status: response.status, response: await response.json().catch(() => null), xhr };
      if (!response.ok) return subscriber.error(Object.assign(new Error(`${method} ${url}: ${response.status}`), answer));
      subscriber.next(answer);
      subscriber.complete();
    }).catch((error) => subscriber.error(Object.assign(error, { status: 0 })));
  });
}

async function newToken(user) {
  const response = await fetch(`${bot.url}/v3/directline/tokens/generate`, {
    method: "POST",
    headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" },
    body: JSON.stringify({ user: { id: user } }),
  });
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()).token;
}

/** Says one thing in a conversation of its own. Resolves with all messages of the bot, once there is one. */
async function converse(number) {
  const line = new DirectLine({ token: await newToken(`dl_user-${number}`), domain: `${bot.url}/v3/directline`, ajax });
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

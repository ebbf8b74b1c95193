// The real Web Chat in Chromium, at /chat of the proactive bot.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";

import { startBot } from "./bots.mjs";
import { Chat, delay, launchBrowser, until } from "./chat.mjs";

let bot;
let browser;

before(async () => {
  bot = await startBot("proactive_bot", "--set", "direct_line.enabled=true");
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await bot?.program.stop();
});

/** Opens the page, hands it to `act`, and looks that nothing was wrong. */
async function withChat(options, act) {
  const chat = await Chat.open(browser, bot.url, options);
  try {
    await act(chat);
    assert.deepEqual(chat.problems, []);
  } finally {
    await chat.close();
  }
}

function assertAboutThreeSeconds(sent, seen) {
  assert.ok(seen - sent >= delay - 100, `the answer came after ${seen - sent} ms: it is early`);
  assert.ok(seen - sent <= 2 * delay, `the answer came after ${seen - sent} ms: it is late`);
}

test("dots, the answer after three seconds, and the bubble says sent", () => withChat({}, async (chat) => {
  assert.equal(await chat.box.evaluate((box) => box === document.activeElement), true, "the box has not the focus");
  const sent = await chat.say("hello");
  await chat.dots().waitFor({ timeout: 1_500 });
  assert.match(await chat.sent(1_500), /^Sent at/);
  assert.deepEqual(await chat.answers(), []);
  assertAboutThreeSeconds(sent, await chat.answered("hello"));
  assert.equal(await chat.dots().count(), 0);
  assert.deepEqual(await chat.said(), [{ mine: true, text: "hello" }, { mine: false, text: "You said, “hello”" }]);
  assert.ok(chat.requests.some((url) => url.startsWith("ws:")), "there was no WebSocket");
}));

// Each in a browser of its own, as people are.
describe("beside others", { concurrency: 4 }, () => {
  test("a reload brings the history back, and the conversation goes on", () => withChat({}, async (chat) => {
    await chat.say("before");
    await chat.answered("before");
    await chat.page.reload();
    await chat.online();
    await chat.answered("before");
    await chat.say("behind");
    await chat.answered("behind");
    assert.deepEqual(await chat.mine(), ["before", "behind"]);
    assert.deepEqual(await chat.answers(), ["You said, “before”", "You said, “behind”"]);
  }));

  test("what the bot says while the page is closed is there when it is opened again", () => withChat({}, async (chat) => {
    await chat.say("later");
    await chat.sent();
    await chat.leave();
    await new Promise((resolve) => setTimeout(resolve, delay + 500));
    await chat.visit();
    await chat.answered("later", 2_000);
    assert.equal((await chat.answers()).length, 1);
  }));

  test("polling does the same without a WebSocket", () => withChat({ path: "/chat?transport=polling" }, async (chat) => {
    const sent = await chat.say("slowly");
    assert.match(await chat.sent(), /^Sent at/);
    assertAboutThreeSeconds(sent, await chat.answered("slowly"));
    assert.equal((await chat.answers()).length, 1);
    assert.ok(!chat.requests.some((url) => url.startsWith("ws:")), "there was a WebSocket");
  }));

  test("a new conversation has none of the old one", () => withChat({}, async (chat) => {
    await chat.say("secret");
    await chat.answered("secret");
    await chat.page.getByRole("button", { name: "New conversation" }).click();
    await until(() => chat.said(), (said) => said.length === 0);
    await chat.online();
    await chat.say("again");
    await chat.answered("again");
    assert.equal((await chat.said()).length, 2);
  }));

  test("a picture that is sent is shown", () => withChat({}, async (chat) => {
    const picture = await readFile(new URL("../../docs/demo.png", import.meta.url));
    await chat.page.locator("input[type=file]").setInputFiles({ name: "a.png", mimeType: "image/png", buffer: picture });
    await chat.page.locator(".webchat__attachment-icon--checked").waitFor();
    await chat.box.press("Enter");
    const image = chat.page.locator(".webchat__stacked-layout--from-user img");
    await image.waitFor();
    assert.match(await chat.sent(), /^Sent at/);
    await chat.page.reload();
    await chat.online();
    await image.waitFor(); // a small one, which Web Chat has made
    const kept = await chat.page.evaluate(async () => {
      const { conversationId, token } = JSON.parse(localStorage.getItem("tern.chat"));
      const headers = { Authorization: `Bearer ${token}` };
      const answer = await fetch(`/v3/directline/conversations/${conversationId}/activities`, { headers });
      const { activities } = await answer.json();
      const { contentUrl } = activities.find((each) => each.attachments?.length).attachments[0];
      const file = await fetch(contentUrl);
      return { type: file.headers.get("content-type"), bytes: (await file.arrayBuffer()).byteLength };
    });
    assert.deepEqual(kept, { type: "image/png", bytes: picture.length });
  }));

  test("the page names its parts to a screen reader, and shows them to everybody", async () => {
    const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    for (const options of [{}, { colorScheme: "dark", viewport: { width: 390, height: 780 } }]) {
      await withChat({ ...options, bypassCSP: true }, async (chat) => {
        await chat.say("hello");
        await chat.answered("hello");
        await chat.page.evaluate(axe);
        const found = await chat.page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
        const told = found.violations.map(({ id, nodes }) => [id, nodes.map((node) => [node.html, node.failureSummary])]);
        assert.deepEqual(told, []);
      });
    }
  });
});

// Tokens of 10 s, which the page renews every five.
describe("with tokens that are good for a short time", { concurrency: true }, () => {
  const lifetime = 10_000;
  let quick;

  before(async () => {
    quick = await startBot("proactive_bot", "--set", "direct_line.enabled=true", "--set", `direct_line.token_lifetime=${lifetime}`);
  });

  after(async () => {
    await quick?.program.stop();
  });

  const kept = (chat) => chat.page.evaluate(() => JSON.parse(localStorage.getItem("tern.chat")).token);

  async function waitUntilExpired(token) {
    const headers = { Authorization: `Bearer ${token}`, Origin: quick.url };
    const ask = async () => (await fetch(`${quick.url}/v3/directline/session/getsessionid`, { headers })).json();
    await until(ask, ({ error }) => error?.code === "TokenExpired");
  }

  test("one that has expired because the page could not renew it is renewed, and the conversation goes on", async () => {
    const chat = await Chat.open(browser, quick.url, { loses: true });
    try {
      await chat.say("early");
      await chat.answered("early");
      await chat.page.route("**/chat/token", (route) => route.abort());
      await waitUntilExpired(await kept(chat));
      await chat.say("refused");
      await until(() => chat.state(), (state) => state === "lost");
      await chat.page.unroute("**/chat/token");
      await chat.online(45_000);
      await chat.say("late");
      await chat.answered("late");
      assert.deepEqual(await chat.answers(), ["You said, “early”", "You said, “late”"]);
      assert.ok(chat.problems.some((problem) => /status of 403/.test(problem)), "no call was refused");
      assert.deepEqual(chat.problems.filter((problem) => !/status of 403|ERR_FAILED/.test(problem)), []);
    } finally {
      await chat.close();
    }
  });

  test("one that has expired while the page was closed is renewed, and the history comes back", async () => {
    const chat = await Chat.open(browser, quick.url);
    try {
      await chat.say("early");
      await chat.answered("early");
      const old = await kept(chat);
      await chat.leave();
      await waitUntilExpired(old);
      await chat.visit();
      await chat.answered("early");
      await chat.say("late");
      await chat.answered("late");
      assert.deepEqual(chat.problems, []);
    } finally {
      await chat.close();
    }
  });

  test("the page renews it in time, and no call is refused", async () => {
    const chat = await Chat.open(browser, quick.url);
    try {
      await chat.say("early");
      await chat.answered("early");
      await waitUntilExpired(await kept(chat));
      await chat.say("late");
      await chat.answered("late");
      assert.deepEqual(chat.problems, []);
    } finally {
      await chat.close();
    }
  });
});

describe("when the bot ends the conversation", () => {
  let polite;

  before(async () => {
    polite = await startBot("streaming_bot", "--set", "direct_line.enabled=true");
  });

  after(async () => {
    await polite?.program.stop();
  });

  async function withEnded(act) {
    const chat = await Chat.open(browser, polite.url, { loses: true });
    try {
      await act(chat);
      await until(() => chat.state(), (state) => state === "ended");
      assert.deepEqual(await chat.said(), [{ mine: true, text: "bye" }, { mine: false, text: "Good-bye." }]);
      await chat.page.reload();
      await chat.online();
      assert.deepEqual(await chat.said(), [], "a reload begins a new one");
      assert.deepEqual(chat.problems.filter((problem) => !/status of 404/.test(problem)), []);
    } finally {
      await chat.close();
    }
  }

  test("the page shows what it said last, and says so", () => withEnded((chat) => chat.say("bye")));

  test("a page that was closed shows what it said last", () => withEnded(async (chat) => {
    const { conversationId, token } = await chat.page.evaluate(() => JSON.parse(localStorage.getItem("tern.chat")));
    await chat.leave();
    const posted = await fetch(`${polite.url}/v3/directline/conversations/${conversationId}/activities`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json", Origin: polite.url },
      body: JSON.stringify({ type: "message", text: "bye" }),
    });
    assert.equal(posted.status, 200);
    chat.page = await chat.context.newPage();
    await chat.page.goto(chat.url);
  }));
});

test("without the bundle the page says what is missing", async () => {
  const page = await browser.newPage();
  await page.route("**/chat/webchat.js", (route) => route.fulfill({ status: 404, body: "" }));
  await page.goto(`${bot.url}/chat`);
  await page.getByText("./dev web-chat").waitFor({ timeout: 5_000 });
  assert.equal(await page.locator("#state").textContent(), "Web Chat is missing.");
  await page.close();
});

test("a page of another site gets neither a token nor an answer", async () => {
  const strangers = [{}, { Origin: "http://evil.example" }, { Origin: bot.url, "Sec-Fetch-Site": "cross-site" }];
  for (const headers of strangers) {
    const response = await fetch(`${bot.url}/chat/token`, { method: "POST", headers, body: "{}" });
    assert.equal(response.status, 403);
    assert.equal(response.headers.get("access-control-allow-origin"), null);
  }
});

test("the page is not there when it is switched off", async () => {
  const quiet = await startBot("proactive_bot", "--set", "direct_line.enabled=true", "--set", "direct_line.page=off");
  try {
    for (const path of ["/chat", "/chat/webchat.js"]) assert.equal((await fetch(quiet.url + path)).status, 404);
    assert.equal((await fetch(`${quiet.url}/chat/token`, { method: "POST", headers: { Origin: quiet.url } })).status, 404);
  } finally {
    await quiet.program.stop();
  }
});

// The real Web Chat while its bot is killed, and while its WebSocket is cut again and again. Long only for ./dev test-clients.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";

import { startBotAt } from "./bots.mjs";
import { Chat, launchBrowser, until } from "./chat.mjs";
import { CuttingProxy } from "./cutting_proxy.mjs";
import { freePort } from "./process.mjs";

const short = !process.env.TERN_TEST_LONG;

let browser;

before(async () => {
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
});

// Most of the time of these tests is the client's pause of 3 to 15 s before it connects again.
describe("faults", { concurrency: true }, () => {
  test("the bot is killed before it answers, and a new process answers, once", async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), "tern-web-chat-"));
    const port = await freePort();
    const start = () => startBotAt(port, "proactive_bot", "--set", "direct_line.enabled=true",
      "--set", "storage.kind=rocksdb", "--set", `storage.path=${folder}`);
    let bot = await start();
    const chat = await Chat.open(browser, bot.url, { loses: true });
    try {
      await chat.say("survive");
      assert.match(await chat.sent(), /^Sent at/);
      bot.program.child.kill("SIGKILL");
      await bot.program.ended;
      await until(() => chat.state(), (state) => state === "lost");
      bot = await start();
      await chat.answered("survive", 45_000);
      await chat.online(45_000);
      await chat.say("and go on");
      await chat.answered("and go on");
      assert.deepEqual(await chat.mine(), ["survive", "and go on"]);
      assert.deepEqual(await chat.answers(), ["You said, “survive”", "You said, “and go on”"]);
      assert.deepEqual(chat.problems, []);
    } finally {
      await chat.close();
      await bot.program.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });

  const [cuts, messages] = short ? [1, 12] : [20, 200];

  test(`with ${messages} messages and cuts of the socket (${cuts}), none is lost, doubled or out of order`, async () => {
    const bot = await startBotAt(await freePort(), "proactive_bot", "--set", "direct_line.enabled=true");
    const proxy = await CuttingProxy.start(bot.url);
    const chat = await Chat.open(browser, proxy.url, { loses: true });
    try {
      const texts = Array.from({ length: messages }, (_, i) => `message ${i + 1}`);
      for (const [i, text] of texts.entries()) {
        await chat.say(text);
        await new Promise((resolve) => setTimeout(resolve, 150)); // within the bot's limit for a conversation
        // Some messages later it is cut, and the next one is sent while it is: a POST goes another way.
        if (i % (messages / cuts) === 5) {
          assert.equal(proxy.cut(), 1);
          await until(() => chat.state(), (state) => state === "lost");
        } else if (i % (messages / cuts) === 6) {
          await chat.online(45_000);
        }
      }
      const heard = await until(() => chat.answers(), (answers) => answers.length >= texts.length, 60_000);
      assert.deepEqual(heard, texts.map((text) => `You said, “${text}”`));
      assert.deepEqual(await chat.mine(), texts);
      assert.match(await chat.sent(), /^Sent at/);
      assert.equal(proxy.cuts, cuts);
      assert.deepEqual(chat.problems, []);
    } finally {
      await chat.close();
      await proxy.stop();
      await bot.program.stop();
    }
  });
});

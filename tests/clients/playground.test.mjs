// The proactive bot with the client that a developer would use.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";

import { startBot } from "./bots.mjs";
import { Playground } from "./playground.mjs";

const delay = 3_000;

let folder;
let bot;
let playground;

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "tern-clients-"));
  bot = await startBot("proactive_bot");
  playground = await Playground.start(bot.url, path.join(folder, "playground.log"));
  await playground.install(playground.personal);
  await playground.install(playground.group);
});

after(async () => {
  await playground?.stop();
  await bot?.program.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

function assertAboutThreeSeconds(sent, arrived, whose) {
  const took = arrived - sent.at;
  assert.ok(took >= delay - 100, `${whose} answer came after ${took} ms: it is early`);
  assert.ok(took <= 2 * delay, `${whose} answer came after ${took} ms: it is late`);
}

test("a message is answered three seconds later, in a turn long closed", async () => {
  const chat = playground.personal;
  const sent = await playground.write(chat, "hello");
  const [typing, turn, answer] = await Promise.all([
    playground.typing(chat, sent),
    playground.turnEnd(chat, "hello", sent),
    playground.answer(chat, sent),
  ]);
  assert.equal(answer.text, 'You said, "hello"');
  assert.ok(typing.at - sent.at < 1_500, `typing was seen only after ${typing.at - sent.at} ms`);
  assertAboutThreeSeconds(sent, answer.at, "the");
  assert.equal(turn.status, 200);
  assert.ok(answer.at - turn.at > 2_000, `the turn ended only ${answer.at - turn.at} ms before the answer`);
});

test("a second user meanwhile waits only for the own three seconds", async () => {
  const { personal, group } = playground;
  const first = await playground.write(personal, "I was first");
  await playground.typing(personal, first);
  const second = await playground.write(group, "and I am another");
  const [answer, other] = await Promise.all([playground.answer(personal, first), playground.answer(group, second)]);
  assert.equal(answer.text, 'You said, "I was first"');
  assert.match(other.text, /^You said, "(<at>.*<\/at> )?and I am another"$/);
  assertAboutThreeSeconds(first, answer.at, "the first");
  assertAboutThreeSeconds(second, other.at, "the second");
  assert.ok(other.at - answer.at < delay - 500, "the second user waited for the first to be answered");
});

test("messages of one user are answered in their order", async () => {
  const chat = playground.personal;
  const start = playground.now();
  const texts = ["one", "two", "three"];
  for (const text of texts) {
    const sent = await playground.write(chat, text);
    await playground.turnEnd(chat, text, sent);  // the Playground does not wait for the bot before it delivers the next one
  }
  const answers = await playground.answers(chat, texts.length, start);
  assert.deepEqual(answers, texts.map((text) => `You said, "${text}"`));
});

test("the Playground's first call, HEAD, harms nothing", async () => {
  const response = await fetch(`${bot.url}/api/messages`, { method: "HEAD", signal: AbortSignal.timeout(5_000) });
  assert.ok(response.status < 500, `HEAD /api/messages was answered ${response.status}`);
  assert.equal((await fetch(`${bot.url}/healthz`)).status, 200);
});

test("neither the bot nor the Playground can be reached from outside", async (context) => {
  const outside = Object.values(os.networkInterfaces()).flat().find((at) => at.family === "IPv4" && !at.internal);
  if (!outside) return context.skip("this machine has no address but loopback");
  for (const port of [playground.port, Number(new URL(bot.url).port)]) {
    const error = await new Promise((resolve) => {
      const socket = net.connect({ host: outside.address, port, timeout: 3_000 });
      socket.on("connect", () => resolve(null));
      socket.on("timeout", () => resolve("timeout"));
      socket.on("error", resolve);
      socket.on("close", () => socket.destroy());
    });
    assert.ok(error, `port ${port} answers on ${outside.address}`);
  }
});

test("SIGTERM ends the bot with status 0", async () => {
  assert.equal(await bot.program.stop(), 0, bot.program.output);
});

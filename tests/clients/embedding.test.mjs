// The site of docs/web-chat.md, "In a site of your own": its code as it stands there, in Chromium, against the proactive bot.

import assert from "node:assert/strict";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";

import { startBot } from "./bots.mjs";
import { launchBrowser } from "./chat.mjs";
import { freePort, Program } from "./process.mjs";

const secret = "a-secret-for-the-tests-of-clients";

let folder;
let bot;
let site;
let browser;

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "tern-site-"));
  const text = await readFile(new URL("../../docs/web-chat.md", import.meta.url), "utf8");
  const block = (words) => text.split(`\`\`\`${words}\n`)[1].split("\n```")[0];
  await writeFile(path.join(folder, "server.mjs"), block("js server"));
  await writeFile(path.join(folder, "page.html"), block("html page"));
  await copyFile(new URL("../../build/web-chat/webchat.js", import.meta.url), path.join(folder, "webchat.js"));
  bot = await startBot("proactive_bot", "--set", "direct_line.enabled=true", "--set", `direct_line.secret=${secret}`,
    "--set", "direct_line.page=off");
  const url = `http://localhost:${await freePort()}`;
  site = new Program("the site", process.execPath, ["server.mjs"],
    { cwd: folder, env: { ...process.env, BOT_URL: bot.url, SITE_URL: url, DIRECT_LINE_SECRET: secret } });
  site.url = url;
  await site.answers(url);
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await site?.stop();
  await bot?.program.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

test("a site of one's own shows the bot, and its pages never see the secret", async () => {
  const page = await browser.newPage();
  const bodies = [];
  page.on("response", async (response) => bodies.push(await response.text().catch(() => "")));
  await page.goto(site.url);
  const box = page.locator("[data-id=webchat-sendbox-input]");
  await box.fill("hello");
  await box.press("Enter");
  await page.locator(".webchat__bubble").filter({ hasText: "You said, “hello”" }).waitFor({ timeout: 15_000 });
  assert.ok(bodies.length && bodies.every((body) => !body.includes(secret)));
});

test("a token of that site is of no use to another site", async () => {
  const { token, botUrl } = await (await fetch(`${site.url}/chat-token`, { method: "POST" })).json();
  const begin = (origin) => fetch(`${botUrl}/v3/directline/conversations`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, Origin: origin },
  });
  assert.ok([401, 403].includes((await begin("http://evil.example")).status));
  assert.equal((await begin(site.url)).status, 201);
});

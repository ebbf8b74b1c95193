// Opens the Agents Playground in Chromium, says hello to the proactive bot as a person would, and takes the picture
// that the README shows: node screenshot.mjs PICTURE.png

import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

import { chromium } from "playwright-core";

import { startBot } from "./bots.mjs";
import { Playground } from "./playground.mjs";

const picture = process.argv[2];
if (!picture) {
  console.error("usage: node screenshot.mjs PICTURE.png");
  process.exit(2);
}

const folder = await mkdtemp(path.join(os.tmpdir(), "tern-screenshot-"));
const bot = await startBot("proactive_bot");
const playground = await Playground.start(bot.url, path.join(folder, "playground.log"));
let browser;
try {
  browser = await chromium.launch({
    executablePath: process.env.TERN_CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync",
    ],
  });
  const page = await browser.newPage({ viewport: { width: 1360, height: 560 }, deviceScaleFactor: 1 });
  // The page asks a CDN for fonts; those of this machine will do, and nothing leaves it.
  await page.route((url) => url.hostname !== "127.0.0.1", (route) => route.abort());
  await page.goto(playground.url);
  const box = page.locator("[role=textbox][contenteditable=true]");
  await box.click();
  const sent = playground.now();
  await box.pressSequentially("hello");
  await page.keyboard.press("Enter");
  await playground.typing(playground.personal, sent);
  await page.getByRole("paragraph").filter({ hasText: 'You said, "hello"' }).waitFor({ timeout: 15_000 });
  await page.waitForTimeout(500); // the page moves the answer into place
  await page.screenshot({ path: picture });
  console.log(`${picture} is written.`);
} finally {
  await browser?.close();
  await playground.stop();
  await bot.program.stop();
  await rm(folder, { recursive: true, force: true });
}

// Takes the pictures of the documents: the proactive bot in Web Chat, at /chat: node web_chat_screenshots.mjs PREFIX
// They are PREFIX-dots.png, PREFIX-answer.png, PREFIX-dark.png and PREFIX-phone.png.

import { startBot } from "./bots.mjs";
import { Chat, launchBrowser } from "./chat.mjs";

const prefix = process.argv[2];
if (!prefix) {
  console.error("usage: node web_chat_screenshots.mjs PREFIX");
  process.exit(2);
}

const bot = await startBot("proactive_bot", "--set", "direct_line.enabled=true");
let browser;

async function take(options, what) {
  const chat = await Chat.open(browser, bot.url, options);
  const picture = async (name) => {
    await chat.page.waitForTimeout(500); // the page moves what is new into place
    await chat.page.screenshot({ path: `${prefix}-${name}.png` });
    console.log(`${prefix}-${name}.png is written.`);
  };
  await what(chat, picture);
  await chat.close();
}

try {
  browser = await launchBrowser();
  await take({ viewport: { width: 760, height: 340 } }, async (chat, picture) => {
    await chat.say("hello");
    await chat.dots().waitFor();
    await picture("dots");
    await chat.answered("hello");
    await picture("answer");
  });
  await take({ viewport: { width: 760, height: 340 }, colorScheme: "dark" }, async (chat, picture) => {
    await chat.say("hello");
    await chat.answered("hello");
    await picture("dark");
  });
  await take({ viewport: { width: 360, height: 560 }, hasTouch: true, isMobile: true }, async (chat, picture) => {
    await chat.say("hello");
    await chat.answered("hello");
    await chat.say("and from a phone");
    await chat.dots().waitFor();
    await picture("phone");
  });
} finally {
  await browser?.close();
  await bot.program.stop();
}

// Says something in a Playground that runs, and prints what the bot answers: node say.mjs URL TEXT

import { Playground } from "./playground.mjs";

const [url, text] = process.argv.slice(2);
if (!text) {
  console.error("usage: node say.mjs URL TEXT");
  process.exit(2);
}

const playground = await Playground.attach(url);
await playground.install(playground.personal);
const sent = await playground.write(playground.personal, text);
const answer = await playground.answer(playground.personal, sent);
console.log(`${answer.text} (after ${answer.at - sent} ms)`);
await playground.stop();

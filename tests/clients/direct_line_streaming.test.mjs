// A client of botframework-directlinejs with `streaming: true`, at a bot that tells its answer bit by bit.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startBot } from "./bots.mjs";
import { Client, secret } from "./direct_line.mjs";

let bot;
let other; // what it says lets the bot go on

before(async () => {
  bot = await startBot("streaming_bot", "--set", "direct_line.enabled=true", "--set", `direct_line.secret=${secret}`);
  other = await Client.start(bot.url, "dl_other");
});

after(async () => {
  other?.end();
  await bot?.program.stop();
});

const streamed = ({ entities }) => entities?.find(({ type }) => type === "streaminfo");

for (const transport of ["a WebSocket", "polling"]) {
  test(`what the bot has told is there while it tells the rest, over ${transport}`, { timeout: 60_000 }, async () => {
    const posted = [];
    const seen = ({ method, path, body }) => method === "POST" && path.endsWith("/activities") && posted.push(body);
    const client = await Client.start(bot.url, `dl_${transport.at(-1)}`, { streaming: true, webSocket: transport !== "polling", seen });
    try {
      if (transport !== "polling") await client.until(() => client.isOpen); // nobody is shown what was shown before
      let answered = false;
      const said = client.say("tell me");
      said.then(() => { answered = true; });
      await client.until(() => client.messages().length);
      assert.deepEqual(client.messages(), ["deliveryMode: stream"]);
      if (transport !== "polling") { // what is only shown goes over sockets
        const chunk = await client.until(() => client.heard.find((each) => streamed(each)?.streamSequence === 3));
        assert.equal(chunk.type, "typing");
        assert.equal(chunk.text, "Once upon a time");
        assert.deepEqual(streamed(chunk), { type: "streaminfo", streamId: "a-stream", streamType: "streaming", streamSequence: 3 });
      }
      assert.equal(answered, false, "the bot waits, and so does the call");
      await other.say("go on");
      await client.until(() => client.messages().length === 2);
      const last = client.heard.at(-1);
      assert.equal(last.text, "Once upon a time there was a tern.");
      assert.deepEqual(streamed(last), { type: "streaminfo", streamId: "a-stream", streamType: "final", streamSequence: 4 });
      assert.equal(last.replyToId, await said);
      assert.deepEqual(posted.map(({ deliveryMode }) => deliveryMode), ["stream"]);
      // Only what was stored is a part of the history.
      const history = await fetch(`${bot.url}/v3/directline/conversations/${client.line.conversationId}/activities`,
        { headers: { Authorization: `Bearer ${client.line.token}` } });
      const { activities } = await history.json();
      assert.deepEqual(activities.map(({ type }) => type), ["message", "message", "message"]);
    } finally {
      client.end();
    }
  });
}

test("without streaming the bot is asked for nothing", { timeout: 60_000 }, async () => {
  const client = await Client.start(bot.url, "dl_plain");
  try {
    const said = client.say("tell me");
    await client.until(() => client.messages().length);
    assert.deepEqual(client.messages(), ["deliveryMode: normal"]);
    await other.say("go on");
    await client.until(() => client.messages().length === 2);
    assert.equal(await said, client.heard.at(-1).replyToId);
  } finally {
    client.end();
  }
});

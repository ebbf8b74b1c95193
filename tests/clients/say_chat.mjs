// Says something at /chat of a bot as its page does, but polling, and prints what the bot answers: node say_chat.mjs URL TEXT
// Needs nothing but Node 18.

const [url, text] = process.argv.slice(2);
if (!text) {
  console.error("usage: node say_chat.mjs URL TEXT");
  process.exit(2);
}

const { origin } = new URL(url);

async function ask(path, options = {}) {
  const response = await fetch(origin + path, options);
  if (!response.ok) throw new Error(`${path} was answered ${response.status}: ${await response.text()}`);
  return response;
}

const page = await (await ask("/chat")).text();
for (const [, source] of page.matchAll(/src="([^"]+)"/g)) await ask(source);

const { conversationId, token, userId } = await (await ask("/chat/token", { method: "POST", headers: { Origin: origin } })).json();
const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
const line = "/v3/directline/conversations";
await ask(line, { method: "POST", headers, body: "{}" });
const sent = Date.now();
const activity = { type: "message", text, from: { id: userId } };
const posted = await ask(`${line}/${conversationId}/activities`, { method: "POST", headers, body: JSON.stringify(activity) });
const { id } = await posted.json();
let answer;
while (!answer && Date.now() - sent < 20_000) {
  await new Promise((resolve) => setTimeout(resolve, 250));
  const { activities } = await (await ask(`${line}/${conversationId}/activities`, { headers })).json();
  answer = activities.find((each) => each.type === "message" && each.id !== id);
}
if (!answer) throw new Error("there was no answer within 20 s");
console.log(`${answer.text} (after ${Date.now() - sent} ms)`);

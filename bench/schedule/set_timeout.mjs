// What a pending proactive message costs a JavaScript bot that keeps it in memory, as the SDKs' samples do: a
// continuation in setTimeout that holds the conversation reference and the message. Prints bytes and microseconds of
// processor time for each, from being made until it has fired.

const count = Number(process.argv[2]);
const reference = (i) => JSON.parse(`{"channelId":"emulator","serviceUrl":"http://127.0.0.1:9","conversation":{"id":
  "conversation-${i}"},"bot":{"id":"bot"},"user":{"id":"user-${i}"}}`);
const memory = () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

let fired = 0;
const sendTo = async (to, activity) => {
  const message = JSON.stringify({ ...activity, conversation: to.conversation, recipient: to.user, from: to.bot });
  fired += message.length > 0 ? 1 : 0;
};

const before = memory();
const cpuBefore = process.cpuUsage();
for (let i = 0; i < count; i++) {
  const to = reference(i);
  const activity = { type: "message", text: String(Date.now()) };
  setTimeout(async () => { await sendTo(to, activity); }, 3000 + (i % 1000));
}
const cpuOfGc = process.cpuUsage();
const bytes = (memory() - before) / count;
const gc = process.cpuUsage(cpuOfGc);  // asked for by the measurement alone

process.on("exit", () => {
  const cpu = process.cpuUsage(cpuBefore);
  const used = cpu.user + cpu.system - gc.user - gc.system;
  if (fired === count) console.log(`${bytes} ${used / count}`);
});

// The Microsoft 365 Agents Playground, without a browser: what its page does, over its own HTTP and WebSocket.

import { fileURLToPath } from "node:url";

import { freePort, Program } from "./process.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

export class Playground {
  static async start(botUrl, logFile) {
    const playground = new Playground();
    await playground.#start(botUrl, logFile);
    return playground;
  }

  /** One that somebody else has started. */
  static async attach(url) {
    const playground = new Playground();
    playground.url = url;
    await playground.#connect();
    return playground;
  }

  async #start(botUrl, logFile) {
    this.port = await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    this.program = new Program(
      "The Agents Playground",
      process.execPath,
      [
        "-r", here("loopback.cjs"),
        here("node_modules/@microsoft/m365agentsplayground/cli.js"),
        "start", "-e", `${botUrl}/api/messages`, "-c", "emulator", "-p", String(this.port), "--disable-telemetry",
      ],
      {
        env: {
          ...process.env,
          TEAMSAPPTESTER_BROWSER: "none", // or it looks for a browser, and ends when there is none
          APPLICATION_INSIGHTS_NO_STATSBEAT: "1", // or it calls out in spite of --disable-telemetry
          M365_AGENTS_PLAYGROUND_LOGFILE: logFile,
        },
      },
    );
    await this.program.answers(`${this.url}/_internal/v1/testConfig`);
    await this.#connect();
  }

  async #connect() {
    const { config } = await (await fetch(`${this.url}/_internal/v1/testConfig`)).json();
    this.bot = config.bot;
    this.personal = { id: config.personalChat.id, user: config.currentUser };
    this.group = { id: config.groupChats[0].id, user: config.users[0] };
    this.events = new Events();
    const stream = this.url.replace(/^http/, "ws");
    await Promise.all([
      this.events.listen(`${stream}/_ws_conversation/v1/conversations/stream`, "chat"),
      this.events.listen(`${stream}/_ws/log/stream`, "log"),
    ]);
  }

  async #post(path, body) {
    const response = await fetch(this.url + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`The Playground answered ${response.status} to ${path}: ${text}`);
    return text;
  }

  /** The bot is added to the conversation, as when its page is opened. */
  install(chat) {
    return this.#post(`/_debug/conversation/${chat.id}/installation`, {});
  }

  /** This moment: its time, and how much was seen before it. A time alone cannot part two events of one millisecond. */
  now() {
    return { at: Date.now(), seen: this.events.count };
  }

  /** A person writes. In a group a bot hears only what mentions it. Returns the moment of sending. */
  async write(chat, text) {
    const body = { text, textFormat: "plain", from: { id: chat.user.id } };
    if (chat === this.group) {
      const mention = `<at>${this.bot.name}</at>`;
      body.text = `${mention} ${text}`;
      body.mentions = [{ mentioned: { id: this.bot.id }, text: mention }];
    }
    const sent = this.now();
    await this.#post(`/_conversation/v1/conversations/${chat.id}/messages`, body);
    return sent;
  }

  /** The bot shows that it types. */
  typing(chat, after) {
    return this.events.next(
      `typing in ${chat.id}`,
      (event) => event.action === "typing" && event.actionConversationId === chat.id,
      after,
    );
  }

  /** The bot's next message in the conversation. */
  async answer(chat, after) {
    const event = await this.events.next(
      `a message of the bot in ${chat.id}`,
      (seen) => seen.action === "createMessage" && seen.actionConversationId === chat.id &&
        seen.message.from.id === this.bot.id,
      after,
    );
    return { at: event.at, text: event.message.text };
  }

  /** The texts of the bot's next messages in the conversation, in the order of their arrival. */
  async answers(chat, count, after) {
    const taken = new Set();
    while (taken.size < count) {
      const event = await this.events.next(
        `message ${taken.size + 1} of the bot in ${chat.id}`,
        (seen) => seen.action === "createMessage" && seen.actionConversationId === chat.id &&
          seen.message.from.id === this.bot.id && !taken.has(seen),
        after,
      );
      taken.add(event);
    }
    return [...taken].map((event) => event.message.text);
  }

  /** The bot's HTTP answer to the message that contains `text`: the turn has ended. */
  async turnEnd(chat, text, after) {
    const event = await this.events.next(
      `the end of the turn of "${text}"`,
      (seen) => seen.logAction === "appendLog" && seen.log.conversationId === chat.id && seen.log.response &&
        seen.log.request?.body?.type === "message" && seen.log.request.body.text?.includes(text) &&
        seen.log.request.body.recipient?.id === this.bot.id,
      after,
    );
    return { at: event.at, status: event.log.response.statusCode };
  }

  async stop() {
    this.events?.close();
    await this.program?.stop();
  }
}

/** Everything the Playground told its page, each with the time of its arrival. */
class Events {
  #seen = [];
  #waiting = new Set();
  #sockets = [];

  async listen(url, name) {
    const socket = new WebSocket(url);
    this.#sockets.push(socket);
    socket.onmessage = ({ data }) => this.#take({ ...JSON.parse(data), at: Date.now() });
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error(`The Playground's ${name} stream cannot be opened: ${url}`));
    });
  }

  /** How many events have come. */
  get count() {
    return this.#seen.length;
  }

  #take(event) {
    this.#seen.push(event);
    for (const check of this.#waiting) check(event);
  }

  /** The first event since the moment `after` that matches, past or to come. */
  next(what, matches, after, milliseconds = 15_000) {
    const past = this.#seen.slice(after.seen).find(matches);
    if (past) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const check = (event) => {
        if (!matches(event)) return;
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve(event);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        const tail = this.#seen.slice(-8).map((event) => JSON.stringify(event).slice(0, 300)).join("\n");
        reject(new Error(`No ${what} within ${milliseconds} ms. The last events:\n${tail}`));
      }, milliseconds);
      this.#waiting.add(check);
    });
  }

  close() {
    for (const socket of this.#sockets) socket.close();
  }
}

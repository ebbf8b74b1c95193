// The page at /chat in Chromium, used as a person uses it. It keeps a record of what should not happen: errors in the
// console, and requests that leave this machine.

import { chromium } from "playwright-core";

export const delay = 3_000; // after which the proactive bot answers

export function launchBrowser() {
  return chromium.launch({
    executablePath: process.env.TERN_CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync",
    ],
  });
}

const isHere = (url) => /^(data|blob):/.test(url) || ["127.0.0.1", "localhost"].includes(new URL(url).hostname);
const isLoss = (text) => /WebSocket connection|ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_SOCKET/.test(text);

export class Chat {
  /** `options`: those of a context of Playwright, and `path` with a query, and `loses` when connections may be lost. */
  static async open(browser, url, { path = "/chat", loses = false, ...options } = {}) {
    const chat = new Chat();
    chat.problems = [];
    chat.requests = [];
    chat.url = url + path;
    chat.context = await browser.newContext({ viewport: { width: 900, height: 700 }, ...options });
    const record = (what) => loses && isLoss(what) ? undefined : chat.problems.push(what);
    const ask = (to) => {
      chat.requests.push(to);
      if (!isHere(to)) record(`a request to ${to}`);
    };
    chat.context.on("request", (request) => ask(request.url()));
    chat.context.on("console", (line) => {
      if (["error", "warning"].includes(line.type())) record(`console ${line.type()}: ${line.text()}`);
    });
    chat.context.on("weberror", (error) => record(`an exception: ${error.error().stack}`));
    chat.context.on("page", (page) => page.on("websocket", (socket) => ask(socket.url())));
    await chat.visit();
    return chat;
  }

  /** Opens the page in a new tab. */
  async visit() {
    this.page = await this.context.newPage();
    await this.page.goto(this.url);
    await this.online();
  }

  async leave() {
    await this.page.close();
  }

  async close() {
    await this.context.close();
  }

  async online(timeout = 20_000) {
    await this.page.locator("#state[data-state=online]").waitFor({ timeout });
  }

  /** What the line at the top says: connecting, online, lost or ended. */
  state() {
    return this.page.locator("#state").getAttribute("data-state");
  }

  get box() {
    return this.page.locator("[data-id=webchat-sendbox-input]");
  }

  /** Returns when it was sent. */
  async say(text) {
    await this.box.fill(text);
    const sent = Date.now();
    await this.box.press("Enter");
    return sent;
  }

  dots() {
    return this.page.locator(".webchat__typing-indicator");
  }

  /** The texts of the bubbles that are shown, from above to below: `{ mine, text }`. */
  said() {
    return this.page.locator(".webchat__bubble").evaluateAll((bubbles) => bubbles.map((bubble) => ({
      mine: bubble.classList.contains("webchat__bubble--from-user"),
      text: bubble.querySelector(".webchat__bubble__content")?.innerText.trim() ?? "",
    })));
  }

  async mine() {
    return (await this.said()).filter((each) => each.mine).map((each) => each.text);
  }

  async answers() {
    return (await this.said()).filter((each) => !each.mine).map((each) => each.text);
  }

  /** Waits for the answer to `text`, and returns when it was seen. Web Chat prints typographer's quotes. */
  async answered(text, timeout = 20_000) {
    const bubble = this.page.locator(".webchat__bubble:not(.webchat__bubble--from-user)");
    await bubble.filter({ hasText: `You said, “${text}”` }).first().waitFor({ timeout });
    return Date.now();
  }

  /** Waits until no bubble of the user says that it is being sent, or was not. Returns what the last one says. */
  async sent(timeout = 25_000) {
    const status = this.page.locator(".webchat__stacked-layout--from-user .webchat__activity-status").last();
    await this.page.waitForFunction(
      () => {
        const all = [...document.querySelectorAll(".webchat__stacked-layout--from-user .webchat__activity-status")];
        return all.length && all.every((each) => !/^Sending/.test(each.textContent));
      },
      null, { timeout },
    );
    return status.textContent();
  }
}

/** Asks again until it is so; fails with what was last seen. */
export async function until(seen, so, milliseconds = 20_000) {
  const end = Date.now() + milliseconds;
  for (;;) {
    const now = await seen();
    if (so(now)) return now;
    if (Date.now() > end) throw new Error(`not within ${milliseconds} ms; last seen: ${JSON.stringify(now)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

// botframework-directlinejs in Node, with what it wants of a browser.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
export const { ConnectionStatus, DirectLine } = require("botframework-directlinejs");
const ofClient = createRequire(require.resolve("botframework-directlinejs"));
const { Observable } = ofClient("rxjs/Observable");
const { async } = ofClient("rxjs/scheduler/async");

export const secret = "a-secret-for-the-tests-of-clients";

/** What the client wants of a browser's XMLHttpRequest. `seen` is given each request and the status of its answer. */
export function ajaxWith(seen = () => {}) {
  return ({ url, method, body, headers }) => Observable.create((subscriber) => {
    const options = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
    fetch(url, options).then(async (response) => {
      seen({ method, path: new URL(url).pathname, body, status: response.status });
      const xhr = { getResponseHeader: (name) => response.headers.get(name) };
      const answer = { status: response.status, response: await response.json().catch(() => null), xhr };
      if (!response.ok) return subscriber.error(Object.assign(new Error(`${method} ${url}: ${response.status}`), answer));
      subscriber.next(answer);
      subscriber.complete();
    }).catch((error) => subscriber.error(Object.assign(error, { status: 0 })));
  });
}

/** A scheduler with which the client's own pauses are `times` shorter. */
export function faster(times) {
  return {
    now: () => async.now(),
    schedule: (work, delay = 0, state) => async.schedule(function act(value) {
      // An interval schedules itself again.
      const again = (next, pause = 0) => this.schedule(next, pause / times);
      work.call(new Proxy(this, { get: (action, name) => name === "schedule" ? again : Reflect.get(action, name) }), value);
    }, delay / times, state),
  };
}

export async function newToken(url, user) {
  const response = await fetch(`${url}/v3/directline/tokens/generate`, {
    method: "POST",
    headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" },
    body: JSON.stringify({ user: { id: user } }),
  });
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()).token;
}

/** A client with a conversation of its own. It keeps what the bot says, and lets a test wait for it. */
export class Client {
  static async start(url, user, { seen = () => {}, ...options } = {}) {
    const client = new Client();
    const look = (call) => {
      seen(call);
      client.#look();
    };
    class Watched extends WebSocket {
      constructor(...args) {
        super(...args);
        this.addEventListener("open", () => {
          client.isOpen = true;
          client.#look();
        });
      }
    }
    client.user = user;
    client.isOpen = false; // whether it has had a socket
    client.heard = [];
    client.statuses = [];
    client.waits = new Set();
    client.line = new DirectLine({
      token: await newToken(url, user), domain: `${url}/v3/directline`, ajax: ajaxWith(look), WebSocket: Watched, ...options,
    });
    client.line.connectionStatus$.subscribe((status) => {
      client.statuses.push(status);
      client.#look();
    });
    client.line.activity$.subscribe((activity) => {
      if (activity.from.id !== user) client.heard.push(activity);
      client.#look();
    }, () => {}); // it has ended
    return client;
  }

  #look() {
    for (const wait of this.waits) wait();
  }

  /** Resolves with the first that `found` returns for this client which is not falsy. */
  async until(found, milliseconds = 30_000) {
    let wait;
    let timer;
    try {
      return await new Promise((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`not within ${milliseconds} ms; heard: ${JSON.stringify(this.heard)}`)), milliseconds);
        wait = () => {
          const is = found(this);
          if (is) resolve(is);
        };
        this.waits.add(wait);
        wait();
      });
    } finally {
      clearTimeout(timer);
      this.waits.delete(wait);
    }
  }

  /** Resolves with the id that the bot gave the message, or with "retry". */
  say(text) {
    return new Promise((resolve, reject) => {
      this.line.postActivity({ type: "message", text, from: { id: this.user } }).subscribe(resolve, reject);
    });
  }

  messages() {
    return this.heard.filter((activity) => activity.type === "message").map((activity) => activity.text);
  }

  end() {
    this.line.end();
  }
}

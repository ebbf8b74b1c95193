// Child processes that never outlive this one, free ports, and waiting with a deadline.

import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";

const children = new Set();

function killAll() {
  for (const child of children) child.kill("SIGKILL");
}

process.on("exit", killAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => process.exit(1));
}

/** A port of 127.0.0.1 that nobody listened on a moment ago. */
export async function freePort() {
  const server = net.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** A program that runs until `stop`; what it prints is kept for the message of a failure. */
export class Program {
  constructor(name, command, args, options = {}) {
    this.name = name;
    this.output = "";
    this.child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
    children.add(this.child);
    this.ended = new Promise((resolve) => {
      this.child.on("error", (error) => resolve(`could not start: ${error.message}`));
      this.child.on("exit", (code, signal) => resolve(signal ?? code));
    });
    this.ended.then((how) => {
      children.delete(this.child);
      this.how = how;
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text) => {
        this.output = (this.output + text).slice(-20_000);
      });
    }
  }

  /** Asks it to end and waits; returns its exit status, or the name of the signal that ended it. */
  async stop(milliseconds = 20_000) {
    this.child.kill("SIGTERM");
    const timer = setTimeout(() => this.child.kill("SIGKILL"), milliseconds);
    const how = await this.ended;
    clearTimeout(timer);
    return how;
  }

  /** Waits until `url` answers with a status below 500; fails when the program ends before. */
  async answers(url, milliseconds = 60_000) {
    const until = Date.now() + milliseconds;
    while (Date.now() < until) {
      if (this.how !== undefined) throw new Error(`${this.name} ended (${this.how}).\n${this.output}`);
      try {
        const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
        await response.arrayBuffer();
        if (response.status < 500) return;
      } catch {
        // not yet
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${this.name} did not answer at ${url} within ${milliseconds} ms.\n${this.output}`);
  }
}

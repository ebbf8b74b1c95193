// The example bots as a user starts them.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { freePort, Program } from "./process.mjs";

const build = process.env.TERN_BUILD_DIR ?? fileURLToPath(new URL("../../build/release", import.meta.url));

/** The environment without what leads requests elsewhere, and what this machine may know of a cloud. */
export function plainEnvironment() {
  const of = /^(https?_proxy|all_proxy|no_proxy|identity_.*|imds_.*|msi_.*|azure_.*)$/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !of.test(name)));
}

/** `options`: `secure` when its arguments name a certificate, `env` in place of the environment, and a `port`. */
export async function startBotWith(name, args, { secure = false, env = process.env, port = 0 } = {}) {
  // An example, or a bot for tests alone.
  const path = ["examples", "tests"].map((folder) => `${build}/${folder}/${name}`).find(existsSync);
  if (!path) throw new Error(`${name} is not in ${build}; run ./dev build first`);
  port ||= await freePort();
  const program = new Program(name, path, ["--set", `listen.port=${port}`, ...args], { env });
  const url = secure ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;
  await program.answers(`${url}/healthz`);
  return { url, program };
}

export function startBot(name, ...args) {
  return startBotWith(name, args);
}

/** At a port that a bot had which has ended. */
export function startBotAt(port, name, ...args) {
  return startBotWith(name, args, { port });
}

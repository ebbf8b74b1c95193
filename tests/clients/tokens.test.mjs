// The echo bot with an authority of our own: which tokens it believes. The tokens are made with jose.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import https from "node:https";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import tls from "node:tls";

import { Authority } from "./authority.mjs";
import { badTokens } from "./bad_tokens.mjs";
import { plainEnvironment, startBotWith } from "./bots.mjs";
import { serverCertificate } from "./certificates.mjs";
import { goodTokens } from "./good_tokens.mjs";
import { base64, bot, caller, message, secondBot, service, tenant } from "./token_makers.mjs";

const agent = new https.Agent({ keepAlive: true, maxSockets: 16 });

let folder;
let certificate;
let authority;
let echo;

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "tern-tokens-"));
  certificate = await serverCertificate(folder, []);
  tls.setDefaultCACertificates([certificate.certificate]);
  authority = await Authority.start(certificate);
  echo = await startEcho(authority);
});

after(async () => {
  agent.destroy();
  await echo?.program.stop();
  authority?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

/** The echo bot, which believes an authority of our own, as docs/configuration.md says. */
function startEcho(of) {
  const set = {
    "bot.app_id": bot,
    "bot.further_app_ids": secondBot,
    "bot.tenant_id": tenant,
    "bot.allowed_callers": caller,
    "bot.channel_issuer": of.channelIssuer,
    "bot.openid_url": of.channelDocument,
    "bot.login_url": of.login,
    "bot.sts_url": of.sts,
    "bot.ca_file": certificate.certificateFile,
    "listen.certificate": certificate.certificateFile,
    "listen.certificate_key": certificate.keyFile,
  };
  const args = Object.entries(set).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  return startBotWith("echo_bot", args, { secure: true, env: plainEnvironment() });
}

/** Sends an activity as a stranger would, who writes the header as they please. */
function send(to, authorization, activity = message()) {
  const body = JSON.stringify(activity);
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  if (authorization !== undefined) headers.authorization = authorization;
  return new Promise((resolve, reject) => {
    const request = https.request(`${to.url}/api/messages`, { method: "POST", headers, agent, timeout: 20_000 });
    request.on("timeout", () => request.destroy(new Error("no answer within 20 s")));
    request.on("error", reject);
    request.on("response", async (response) => {
      let text = "";
      for await (const part of response.setEncoding("utf8")) text += part;
      resolve({ status: response.statusCode, headers: response.headers, text });
    });
    request.end(body);
  });
}

async function headerOf({ token, authorization }) {
  if (authorization) return authorization(await authority.channelToken(bot, service));
  return `Bearer ${await token(authority)}`;
}

function assertTurn(answer) {
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(
    JSON.parse(answer.text).activities.map((each) => each.text),
    ["Echo: hello"],
  );
}

function assertRefused(answer, { status, why }) {
  assert.equal(answer.status, status, answer.text);
  assert.match(JSON.parse(answer.text).error.message, why);
  if (status === 401) assert.match(answer.headers["www-authenticate"] ?? "", /^Bearer/);
  if (status === 503) assert.ok(Number(answer.headers["retry-after"]) > 0, "503 without Retry-After");
}

test("a good token runs a turn, before any bad one", async () => {
  assertTurn(await send(echo, `Bearer ${await authority.channelToken(bot, service)}`));
});

test("there are as many cases as were promised", () => {
  const names = new Set([...badTokens, ...goodTokens].map((each) => each.name));
  assert.equal(names.size, badTokens.length + goodTokens.length, "two cases have the same name");
  assert.ok(badTokens.length >= 80, `${badTokens.length} bad tokens`);
  assert.ok(goodTokens.length >= 20, `${goodTokens.length} good tokens`);
});

test("bad tokens are refused", async (context) => {
  for (const each of badTokens) {
    await context.test(each.name, async () => {
      const activity = message(each.message);
      assertRefused(await send(echo, await headerOf(each), activity), each);
    });
  }
});

test("good tokens are accepted, the first time and when they are known", async (context) => {
  for (const each of goodTokens) {
    await context.test(each.name, async () => {
      const header = await headerOf(each);
      assertTurn(await send(echo, header, message(each.message)));
      assertTurn(await send(echo, header, message(each.message)));
    });
  }
});

test("nobody has fetched what a token names", () => {
  assert.equal(authority.fetched("/evil/"), 0);
});

test("a flood of unknown keys makes one fetch, and good tokens go through it", async () => {
  const flooded = await startEcho(authority);
  try {
    const good = await authority.channelToken(bot, service);
    assertTurn(await send(flooded, `Bearer ${good}`));
    const before = authority.fetched("/v1/.well-known/keys");
    const statuses = new Map();
    const rest = good.slice(good.indexOf("."));
    let sent = 0;
    const flood = async () => {
      while (sent < 10_000) {
        const number = sent++;
        const header = base64(JSON.stringify({ alg: "RS256", kid: `unknown-${number}`, typ: "JWT" }));
        const { status } = await send(flooded, `Bearer ${header}${rest}`);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (number % 1000 === 0)
          assertTurn(await send(flooded, `Bearer ${await authority.channelToken(bot, service)}`));
      }
    };
    await Promise.all(Array.from({ length: 16 }, flood));
    assert.equal(authority.fetched("/v1/.well-known/keys") - before, 1);
    assert.deepEqual([...statuses.keys()].sort(), [401, 503], JSON.stringify([...statuses]));
    assert.equal(
      [...statuses.values()].reduce((sum, count) => sum + count),
      10_000,
    );
    assertTurn(await send(flooded, `Bearer ${await authority.channelToken(bot, service)}`));
  } finally {
    await flooded.program.stop();
  }
});

test("a key that the issuer has added is fetched with its first token", async () => {
  const fresh = await startEcho(authority);
  try {
    assertTurn(await send(fresh, `Bearer ${await authority.channelToken(bot, service)}`));
    const added = await authority.addKey("added-key");
    assertTurn(await send(fresh, `Bearer ${await authority.sign(authority.channelClaims(bot, service), added)}`));
  } finally {
    await fresh.program.stop();
  }
});

test("without the keys of the issuer no token is believed, and the client is told to come again", async () => {
  const away = await Authority.start(certificate);
  away.stop();
  const lonely = await startEcho(away);
  try {
    assertRefused(await send(lonely, `Bearer ${await away.channelToken(bot, service)}`), {
      status: 503,
      why: /keys of the token's issuer cannot be fetched now/,
    });
  } finally {
    await lonely.program.stop();
  }
});

test("an authority whose certificate nobody vouches for is not believed", async () => {
  const folderOfOther = path.join(folder, "other");
  await mkdir(folderOfOther);
  const impostor = await Authority.start(await serverCertificate(folderOfOther, []));
  const careful = await startEcho(impostor);
  try {
    assertRefused(await send(careful, `Bearer ${await impostor.channelToken(bot, service)}`), {
      status: 503,
      why: /keys of the token's issuer cannot be fetched now/,
    });
    assert.equal(impostor.fetched("/"), 0);
  } finally {
    await careful.program.stop();
    impostor.stop();
  }
});

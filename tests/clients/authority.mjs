// An authority for tokens, over TLS, with keys of its own, made with jose: what login.botframework.com is for channels,
// and login.microsoftonline.com for tenants. Which of their names it bears, the test says.

import { once } from "node:events";
import https from "node:https";
import { randomUUID } from "node:crypto";

import * as jose from "jose";

/** The tenants that every bot of the public cloud believes: Microsoft's own. */
export const sharedTenant = "d6d49420-f39b-4df7-a1dc-d59a935871db";

export const seconds = (fromNow) => Math.floor(Date.now() / 1000) + fromNow;

async function makeKey(kid, algorithm = "RS256", more = {}) {
  const { publicKey, privateKey } = await jose.generateKeyPair(algorithm, { extractable: true });
  const jwk = await jose.exportJWK(publicKey);
  return { kid, algorithm, publicKey, privateKey, jwk: { ...jwk, kid, use: "sig", ...more } };
}

export class Authority {
  /** `names`: channelIssuer, and the URLs login (of tenants), sts (of their older tokens) and channel (of the keys). */
  static async start(certificate, names = {}) {
    const authority = new Authority();
    await authority.#start(certificate, names);
    return authority;
  }

  async #start(certificate, names) {
    this.fetches = new Map();
    this.handlers = [(request) => this.#document(request)];
    this.server = https.createServer({ cert: certificate.certificate, key: certificate.privateKey });
    this.server.on("request", (request, response) => this.#answer(request, response));
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    this.port = this.server.address().port;
    const origin = `https://localhost:${this.port}`;
    this.channelIssuer = "https://channels.test";
    Object.assign(this, { login: `${origin}/`, sts: "https://sts.test/", channel: origin }, names);
    const [channel, endorsed, tenant, foreign, curve, stranger] = await Promise.all([
      makeKey("channel-key"),
      makeKey("endorsed-key", "RS256", { endorsements: ["msteams", "webchat"] }),
      makeKey("tenant-key", "RS256", { issuer: `${this.login}{tenantid}/v2.0` }),
      makeKey("foreign-key", "RS256", { issuer: `${this.login}${randomUUID()}/v2.0` }),
      makeKey("curve-key", "ES256"),
      makeKey("channel-key"), // of nobody: it only bears the name
    ]);
    this.keys = { channel, endorsed, tenant, foreign, curve, stranger };
    const rsaOf = (key, kid, more) => ({ ...key.jwk, kid, ...more });
    this.channelKeys = [
      channel.jwk,
      endorsed.jwk,
      curve.jwk,
      rsaOf(channel, "encryption-key", { use: "enc" }),
      rsaOf(channel, "key-for-384", { alg: "RS384" }),
      { kty: "oct", kid: "secret-key", k: jose.base64url.encode("a secret that everybody may read") },
    ];
    this.tenantKeys = [tenant.jwk, foreign.jwk];
  }

  get channelDocument() {
    return `${this.channel}/v1/.well-known/openidconfiguration`;
  }

  /** How often anybody has fetched the documents whose path has this in it. */
  fetched(part) {
    let count = 0;
    for (const [path, times] of this.fetches) count += path.includes(part) ? times : 0;
    return count;
  }

  async #answer(request, response) {
    const url = new URL(request.url, "https://authority");
    this.fetches.set(url.pathname, (this.fetches.get(url.pathname) ?? 0) + 1);
    let body = "";
    for await (const part of request.setEncoding("utf8")) body += part;
    const asked = {
      method: request.method,
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body,
    };
    let answer;
    for (const handler of this.handlers) answer ??= await handler(asked);
    answer ??= { status: 404, body: { error: `nothing at ${url.pathname}` } };
    response.writeHead(answer.status ?? 200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer.body));
  }

  #document({ path }) {
    if (path === "/v1/.well-known/openidconfiguration") {
      return { body: this.#metadata(this.channelIssuer, `${this.channel}/v1/.well-known/keys`) };
    }
    if (path === "/v1/.well-known/keys") return { body: { keys: this.channelKeys } };
    const [, tenant, rest] =
      /^\/([^/]+)\/(?:v2\.0\/)?(\.well-known\/openid-configuration|discovery\/v2\.0\/keys)$/.exec(path) ?? [];
    if (!tenant) return undefined;
    if (rest.startsWith("discovery")) return { body: { keys: this.tenantKeys } };
    // Where nobody names a tenant, as the SDKs do, the issuer has a place for it.
    const issuer = `${this.login}${tenant === "common" ? "{tenantid}" : tenant}/v2.0`;
    return {
      body: {
        ...this.#metadata(issuer, `${this.login}${tenant}/discovery/v2.0/keys`),
        authorization_endpoint: `${this.login}${tenant}/oauth2/v2.0/authorize`,
        token_endpoint: `${this.login}${tenant}/oauth2/v2.0/token`,
      },
    };
  }

  #metadata(issuer, jwks_uri) {
    return { issuer, jwks_uri, id_token_signing_alg_values_supported: ["RS256"] };
  }

  /** What a channel says of itself to a bot. */
  channelClaims(bot, serviceurl) {
    return { iss: this.channelIssuer, aud: bot, serviceurl, nbf: seconds(-60), iat: seconds(-60), exp: seconds(3600) };
  }

  /** What a tenant says of an app, in either version of its tokens. */
  tenantClaims(tenant, app, audience, version = "2.0") {
    const older = version === "1.0";
    return {
      iss: older ? `${this.sts}${tenant}/` : `${this.login}${tenant}/v2.0`,
      aud: audience,
      tid: tenant,
      ver: version,
      [older ? "appid" : "azp"]: app,
      [older ? "appidacr" : "azpacr"]: "1",
      nbf: seconds(-60),
      iat: seconds(-60),
      exp: seconds(3600),
    };
  }

  sign(claims, key, header = {}) {
    return new jose.SignJWT(claims)
      .setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: "JWT", ...header })
      .sign(key.privateKey);
  }

  channelToken(bot, serviceurl) {
    return this.sign(this.channelClaims(bot, serviceurl), this.keys.channel);
  }

  tenantToken(...of) {
    return this.sign(this.tenantClaims(...of), this.keys.tenant);
  }

  /** A new key for channels, which everybody has to fetch. */
  async addKey(kid) {
    const key = await makeKey(kid);
    this.channelKeys.push(key.jwk);
    return key;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

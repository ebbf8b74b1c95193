// A channel over TLS, which asks everybody for a token: with the code of each SDK, and with jose. The first part of the
// path says who checks it.

import { once } from "node:events";
import https from "node:https";
import { createRequire } from "node:module";

import { authorizeJWT, getAuthConfigWithDefaults } from "@microsoft/agents-hosting";
import express from "express";
import * as jose from "jose";

// Not among the names of the package, but what all of its validation is made of.
const { JwtTokenExtractor } = createRequire(import.meta.url)("botframework-connector/lib/auth/jwtTokenExtractor");

export const channelAudience = "https://api.botframework.com";

/** Each checks the header of a request, and returns the claims of its token, or throws. */
export function checkers(authority, tenant) {
  const issuers = [`${authority.sts}${tenant}/`, `${authority.login}${tenant}/v2.0`];
  const agents = authorizeJWT(
    getAuthConfigWithDefaults({ clientId: channelAudience, tenantId: tenant, validateIssuer: true }),
  );
  const extractor = new JwtTokenExtractor(
    { issuer: issuers, audience: channelAudience, clockTolerance: 300, ignoreExpiration: false },
    `${authority.login}common/v2.0/.well-known/openid-configuration`,
    ["RS256", "RS384", "RS512"],
  );
  return {
    agents: (request) =>
      new Promise((resolve, reject) => {
        const answer = { status: () => answer, send: (body) => reject(new Error(JSON.stringify(body))) };
        agents(request, answer, () => resolve(request.user)).catch(reject);
      }),
    connector: async (request) => {
      const identity = await extractor.getIdentityFromAuthHeader(request.headers.authorization, "msteams", []);
      if (!identity?.isAuthenticated) throw new Error("JwtTokenExtractor finds nobody in the token");
      return Object.fromEntries(identity.claims.map(({ type, value }) => [type, value]));
    },
    ours: async (request) => {
      const [, token] = /^Bearer (\S+)$/.exec(request.headers.authorization) ?? [];
      if (!token) throw new Error("no token");
      const { payload } = await jose.jwtVerify(token, authority.keys.tenant.publicKey, {
        algorithms: ["RS256"],
        issuer: issuers,
        audience: channelAudience,
      });
      return payload;
    },
  };
}

export class Channel {
  #calls = [];
  #waiting = new Set();
  #ids = 0;

  static async start(certificate, checked) {
    const channel = new Channel();
    channel.app = express();
    channel.app.use(express.json());
    channel.app.all(/^\/(\w+)(\/v3\/conversations(?:\/.*)?)$/, async (request, response) => {
      const { 0: checker, 1: path } = request.params;
      const { method, body } = request;
      const call = { checker, method, path, body, header: request.headers.authorization };
      try {
        if (!Object.hasOwn(checked, checker)) throw new Error(`nobody is called ${checker}`);
        call.claims = await checked[checker](request);
        response.status(method === "GET" ? 200 : 201).json(method === "GET" ? [] : { id: `m-${++channel.#ids}` });
      } catch (error) {
        call.refused = error;
        response.status(401).json({ error: { code: "Unauthorized", message: error.message } });
      }
      channel.#take(call);
    });
    channel.server = https.createServer({ cert: certificate.certificate, key: certificate.privateKey }, channel.app);
    channel.server.listen(0, "127.0.0.1");
    await once(channel.server, "listening");
    channel.url = `https://localhost:${channel.server.address().port}`;
    return channel;
  }

  /** Where a bot sends what `checker` is to check. */
  serviceUrl(checker) {
    return `${this.url}/${checker}/`;
  }

  #take(call) {
    this.#calls.push(call);
    for (const look of this.#waiting) look();
  }

  /** The first call that matches, past or to come. */
  call(what, matches, milliseconds = 15_000) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.#calls.find(matches);
        if (!found) return false;
        clearTimeout(timer);
        this.#waiting.delete(look);
        if (found.refused) reject(found.refused);
        else resolve(found);
        return true;
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        const seen = this.#calls.map(({ checker, method, path }) => `${checker} ${method} ${path}`).join("\n");
        reject(new Error(`The channel was not called for ${what} within ${milliseconds} ms. Its calls:\n${seen}`));
      }, milliseconds);
      if (!look()) this.#waiting.add(look);
    });
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

// What gives apps their tokens, for all four kinds of credential: the token endpoint of a tenant, which checks a
// secret, an assertion that a certificate has signed, or one of another authority that the app trusts (a federated
// credential), and the metadata endpoint of a machine, which vouches for its identities.

import { createPublicKey } from "node:crypto";
import { once } from "node:events";
import http from "node:http";

import * as jose from "jose";

const exchange = "api://AzureADTokenExchange";
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

class Refused extends Error {
  constructor(error, number, message) {
    super(message);
    this.answer = {
      status: error === "invalid_client" ? 401 : 400,
      body: {
        error,
        error_description: `AADSTS${number}: ${message}`,
        error_codes: [number],
      },
    };
  }
}

export class TokenService {
  #apps = new Map();
  /** What was given: {kind, app, audience}. */
  given = [];

  static async start(authority) {
    const service = new TokenService();
    service.authority = authority;
    authority.handlers.unshift((request) => service.#token(request));
    service.cluster = await jose.generateKeyPair("RS256");
    service.metadata = http.createServer((request, response) => service.#identity(request, response));
    service.metadata.listen(0, "127.0.0.1");
    await once(service.metadata, "listening");
    return service;
  }

  get metadataPort() {
    return this.metadata.address().port;
  }

  /** `app`: id, tenant, and one of secret, certificate, federated (its subject in the cluster) and identity. */
  register(app) {
    this.#apps.set(app.id, app);
    return app;
  }

  /** What a cluster puts into the file of a workload. */
  clusterToken(subject, more = {}) {
    return new jose.SignJWT({ iss: "https://cluster.test", sub: subject, aud: exchange, ...more })
      .setProtectedHeader({ alg: "RS256" })
      .setIssuedAt()
      .setExpirationTime("1h")
      .sign(this.cluster.privateKey);
  }

  /** How many tokens an app has got with this kind of credential for an audience. */
  count(kind, app, audience) {
    return this.given.filter((each) => each.kind === kind && each.app === app && each.audience === audience).length;
  }

  async #give(kind, app, audience) {
    this.given.push({ kind, app: app.id, audience });
    // The receiver decides which version it is brought: channels are brought the first.
    const version = this.#apps.get(audience)?.version ?? "1.0";
    return this.authority.tenantToken(app.tenant, app.id, audience, version);
  }

  async #token({ method, path, body }) {
    const [, tenant] = /^\/([^/]+)\/oauth2\/v2\.0\/token$/.exec(path) ?? [];
    if (!tenant || method !== "POST") return undefined;
    const form = new URLSearchParams(body);
    try {
      const app = this.#apps.get(form.get("client_id"));
      if (!app) throw new Refused("unauthorized_client", 700016, "No such app in the tenant.");
      const asksAt = tenant === "botframework.com" ? app.tenant : tenant;
      if (asksAt !== app.tenant) throw new Refused("unauthorized_client", 700016, "The app is of another tenant.");
      if (form.get("grant_type") !== "client_credentials")
        throw new Refused("unsupported_grant_type", 70003, "No such grant.");
      const audience = /^(.+)\/\.default$/.exec(form.get("scope"))?.[1];
      if (!audience) throw new Refused("invalid_scope", 1002012, "The scope does not end with /.default.");
      const kind = await this.#credential(app, form, `${this.authority.login}${tenant}/oauth2/v2.0/token`);
      const access_token = await this.#give(kind, app, audience);
      return { body: { token_type: "Bearer", expires_in: 3599, ext_expires_in: 3599, access_token } };
    } catch (error) {
      if (error instanceof Refused) return error.answer;
      throw error;
    }
  }

  async #credential(app, form, endpoint) {
    if (form.has("client_secret")) {
      if (app.secret && form.get("client_secret") === app.secret) return "secret";
      throw new Refused("invalid_client", 7000215, "Invalid client secret provided.");
    }
    if (form.get("client_assertion_type") !== assertionType)
      throw new Refused("invalid_client", 7000218, "No credential.");
    const assertion = form.get("client_assertion");
    try {
      return await (app.certificate ? this.#signed(app, assertion, endpoint) : this.#exchanged(app, assertion));
    } catch (error) {
      throw new Refused("invalid_client", 700027, `The assertion is refused: ${error.message}`);
    }
  }

  /** By RFC 7523, and as Microsoft's documents ask for it. */
  async #signed(app, assertion, endpoint) {
    const { protectedHeader } = await jose.jwtVerify(assertion, createPublicKey(app.certificate.certificate), {
      algorithms: ["PS256", "RS256"],
      issuer: app.id,
      subject: app.id,
      audience: endpoint,
      requiredClaims: ["exp", "jti"],
      clockTolerance: 300, // msal-node rounds its clock up
    });
    const { x5t, "x5t#S256": x5tS256 } = protectedHeader;
    if ((x5tS256 ?? x5t) !== (x5tS256 ? app.certificate.x5tS256 : app.certificate.x5t))
      throw new Error("another certificate");
    return "certificate";
  }

  async #exchanged(app, assertion) {
    const { iss } = jose.decodeJwt(assertion);
    const ofMachine = iss === `${this.authority.sts}${app.tenant}/`;
    const key = ofMachine ? this.authority.keys.tenant.publicKey : this.cluster.publicKey;
    const issuer = ofMachine ? iss : "https://cluster.test";
    const { payload } = await jose.jwtVerify(assertion, key, { algorithms: ["RS256"], issuer, audience: exchange });
    if ((ofMachine ? payload.appid : payload.sub) !== app.federated) throw new Error("another subject");
    return "federated";
  }

  /** As the metadata endpoint of a virtual machine. Source: Azure, "Use managed identities on a virtual machine". */
  async #identity(request, response) {
    const url = new URL(request.url, "http://169.254.169.254");
    const app = this.#apps.get(url.searchParams.get("client_id"));
    const resource = url.searchParams.get("resource");
    let status = 200;
    let body;
    if (
      request.headers.metadata !== "true" ||
      url.pathname !== "/metadata/identity/oauth2/token" ||
      !resource ||
      url.searchParams.get("api-version") !== "2018-02-01" ||
      request.headers["x-forwarded-for"]
    ) {
      [status, body] = [400, { error: "invalid_request", error_description: "Required metadata header not specified" }];
    } else if (!app?.identity) {
      [status, body] = [400, { error: "invalid_request", error_description: "Identity not found" }];
    } else {
      const access_token = await this.#give("identity", app, resource);
      const { exp } = jose.decodeJwt(access_token);
      body = {
        access_token,
        client_id: app.id,
        expires_in: "3600",
        expires_on: String(exp),
        resource,
        token_type: "Bearer",
      };
    }
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  }

  stop() {
    this.metadata.closeAllConnections();
    this.metadata.close();
  }
}

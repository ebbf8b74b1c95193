// A cloud on this machine, under the names of the public one: the authority, the token service, a machine's metadata,
// and a channel; and the apps that are registered in it, with each kind of credential.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import tls from "node:tls";

import { Authority } from "./authority.mjs";
import { plainEnvironment, startBotWith } from "./bots.mjs";
import { appCertificate, serverCertificate } from "./certificates.mjs";
import { Channel, channelAudience, checkers } from "./channel.mjs";
import { lead, startProxy } from "./names.mjs";
import { TokenService } from "./token_service.mjs";

export const kinds = ["secret", "certificate", "identity", "federated"];
export const channelHost = "smba.trafficmanager.net"; // of the channel, under its public name
export const tenant = "7e4a4700-0000-4000-8000-000000000001";

export class Cloud {
  #bots = [];
  #ids = 0;

  static async start() {
    const cloud = new Cloud();
    await cloud.#start();
    return cloud;
  }

  async #start() {
    const plain = plainEnvironment();
    for (const name of Object.keys(process.env)) {
      if (!(name in plain)) delete process.env[name]; // the SDKs read it as well
    }
    this.folder = await mkdtemp(path.join(os.tmpdir(), "tern-cloud-"));
    const names = ["login.microsoftonline.com", "login.botframework.com"];
    this.certificate = await serverCertificate(this.folder, [...names, channelHost]);
    tls.setDefaultCACertificates([this.certificate.certificate]);
    this.authority = await Authority.start(this.certificate, {
      channelIssuer: channelAudience,
      channel: "https://login.botframework.com",
      login: "https://login.microsoftonline.com/",
      sts: "https://sts.windows.net/",
    });
    this.tokens = await TokenService.start(this.authority);
    for (const name of names) lead(name, 443, this.authority.port);
    lead("169.254.169.254", 80, this.tokens.metadataPort);
    this.proxy = await startProxy();
    this.checkers = checkers(this.authority, tenant);
    this.channel = await Channel.start(this.certificate, this.checkers);
    lead(channelHost, 443, this.channel.server.address().port);
  }

  /** An app in the tenant, which shows it a credential of this kind. */
  async register(kind, more = {}) {
    const id = `a9900000-0000-4000-8000-${String(++this.#ids).padStart(12, "0")}`;
    const app = { id, tenant, kind, ...more };
    if (kind === "secret") app.secret = `secret of ${id}, with + and / and &`;
    if (kind === "certificate") app.certificate = await appCertificate(this.folder, `app-${this.#ids}`);
    if (kind === "identity") app.identity = true;
    if (kind === "federated" && !app.federated) {
      app.federated = `system:serviceaccount:bots:${id}`;
      app.tokenFile = path.join(this.folder, `token-${this.#ids}`);
      await writeFile(app.tokenFile, await this.tokens.clusterToken(app.federated));
    }
    return this.tokens.register(app);
  }

  /** One of the example bots as this app, with TLS, as it would be started in Azure. */
  async startBot(name, app, set = {}) {
    const credential = {
      secret: () => ({ "bot.app_password": app.secret }),
      certificate: () => ({
        "bot.certificate": app.certificate.certificateFile,
        "bot.certificate_key": app.certificate.keyFile,
      }),
      identity: () => ({
        "bot.managed_identity": app.id,
        // A bot asks for it without a proxy, and no test can give this machine that address.
        "bot.managed_identity_url": `http://127.0.0.1:${this.tokens.metadataPort}/metadata/identity/oauth2/token`,
      }),
      federated: () => ({ "bot.federated_token_file": app.tokenFile }),
    }[app.kind]();
    const all = {
      "bot.app_id": app.id,
      "bot.tenant_id": tenant,
      "bot.allowed_hosts": "localhost",
      ...credential,
      "listen.certificate": this.certificate.certificateFile,
      "listen.certificate_key": this.certificate.keyFile,
      ...set,
    };
    const env = { ...plainEnvironment(), https_proxy: this.proxy.url, SSL_CERT_FILE: this.certificate.certificateFile };
    const args = Object.entries(all).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
    const bot = await startBotWith(name, args, { secure: true, env });
    this.#bots.push(bot);
    return bot;
  }

  /** A user writes to a bot on the channel whose calls `checker` checks; returns the conversation. */
  async write(url, app, checker, text, serviceUrl = this.channel.serviceUrl(checker)) {
    const conversation = `${checker}-${++this.#ids}`;
    const response = await fetch(`${url}/api/messages`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${await this.authority.channelToken(app.id, serviceUrl)}`,
      },
      body: JSON.stringify({
        type: "message",
        id: String(1_700_000_000_000 + this.#ids), // agents-hosting takes an id that looks like a time for one
        text,
        channelId: "msteams",
        serviceUrl,
        conversation: { id: conversation },
        from: { id: "29:somebody" },
        recipient: { id: `28:${app.id}`, name: "bot" },
      }),
      signal: AbortSignal.timeout(20_000),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`The bot answered ${response.status}: ${answer}`);
    return conversation;
  }

  /** The first message that comes into a conversation. */
  messageIn(conversation) {
    return this.channel.call(
      `a message in ${conversation}`,
      ({ path, body }) => path.startsWith(`/v3/conversations/${conversation}/`) && body.type === "message",
    );
  }

  async stop() {
    await Promise.all(this.#bots.map((bot) => bot.program.stop()));
    this.channel.stop();
    this.proxy.stop();
    this.tokens.stop();
    this.authority.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

// Tokens that a bot must accept, and run a turn for.

import { seconds, sharedTenant } from "./authority.mjs";
import { bot, caller, message, secondBot, service, stranger, tenant } from "./token_makers.mjs";

const claims = (name, changed, more = {}) => ({
  name,
  ...more,
  token: (a) => a.sign({ ...a.channelClaims(bot, service), ...changed() }, a.keys.channel),
});
const header = (name, changed) => ({
  name,
  token: (a) => a.sign(a.channelClaims(bot, service), a.keys.channel, changed(a)),
});
const activity = (name, changed, key = "channel") => ({
  name,
  message: changed,
  token: (a) => a.sign(a.channelClaims(bot, service), a.keys[key]),
});
const ofTenant = (name, changed, of = [tenant, caller, bot], more = {}) => ({
  name,
  ...more,
  token: (a) => a.sign({ ...a.tenantClaims(...of), ...changed(a) }, a.keys.tenant),
});

export const goodTokens = [
  claims("a channel", () => ({})),
  activity("a channel that its key is endorsed for", {}, "endorsed"),
  activity("another channel that its key is endorsed for", { channelId: "webchat" }, "endorsed"),
  activity("a channel that a key without endorsements may speak for", { channelId: "slack" }),
  activity("no channel, and a key without endorsements", { channelId: undefined }),
  claims("aud api://", () => ({ aud: `api://${bot}` })),
  claims("aud api://botid-", () => ({ aud: `api://botid-${bot}` })),
  claims("aud in capital letters", () => ({ aud: bot.toUpperCase() })),
  claims("claims that nobody knows", () => ({ x: { y: [1, null] }, roles: ["a"] })),
  claims("a channel's token that names a tenant", () => ({ tid: stranger })),
  claims("valid in 200 s", () => ({ nbf: seconds(200) })),
  claims("valid in 290 s", () => ({ nbf: seconds(290) })),
  claims("expired 200 s ago", () => ({ nbf: seconds(-7200), exp: seconds(-200) })),
  claims("expired 290 s ago", () => ({ nbf: seconds(-7200), exp: seconds(-290) })),
  claims("no nbf", () => ({ nbf: undefined })),
  claims("times that are no whole seconds", () => ({ nbf: Date.now() / 1000, exp: Date.now() / 1000 + 60.5 })),
  header("no typ", () => ({ typ: undefined })),
  header("typ at+jwt", () => ({ typ: "at+jwt" })),
  header("a header that brings the issuer's own key along", (a) => ({
    jwk: a.keys.channel.jwk,
    x5t: a.keys.channel.kid,
  })),
  header("a jku that nobody fetches", (a) => ({ jku: `${a.channel}/evil/keys`, x5u: `${a.channel}/evil/certificate` })),
  activity("a serviceUrl without its last slash", { serviceUrl: service.slice(0, -1) }),
  activity("a serviceUrl with its port", { serviceUrl: service.replace(".net", ".net:443") }),
  activity("a serviceUrl in capital letters", { serviceUrl: service.replace("https://smba", "HTTPS://SMBA") }),
  activity("no serviceUrl, and an answer in the response", { serviceUrl: undefined }),
  activity("no recipient", { recipient: undefined }),
  activity("a callerId of its own, which is not believed", { callerId: "urn:botframework:azure" }),
  claims("the second bot of the process", () => ({ aud: secondBot }), {
    message: { recipient: { id: `28:${secondBot}` } },
  }),
  ofTenant("a bot that may call, version 2.0", () => ({})),
  ofTenant("a bot that may call, version 1.0", () => ({}), [tenant, caller, bot, "1.0"]),
  ofTenant("a bot that may call, of Microsoft's tenant", () => ({}), [sharedTenant, caller, bot]),
  ofTenant("a bot with a certificate", () => ({ azpacr: "2" })),
  ofTenant("idtyp app", () => ({ idtyp: "app" })),
  ofTenant("tid in capital letters", () => ({ tid: tenant.toUpperCase() })),
  ofTenant("a tenant's token that names the service", () => ({ serviceurl: service })),
  ofTenant("an emulator with the bot's own credential", () => ({}), [tenant, bot, bot]),
  { name: "the scheme in small letters", authorization: (token) => `bearer ${token}` },
].map((each) => ({ ...each, activity: message(each.message) }));

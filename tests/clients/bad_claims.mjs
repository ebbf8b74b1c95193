// Tokens of an issuer that a bot believes, which it must refuse for what they say, or with the activity that they came
// with; what the cases say is in bad_tokens.mjs.

import { seconds, sharedTenant } from "./authority.mjs";
import * as make from "./token_makers.mjs";

const { bot, caller, each, otherTenant, secondBot, service, stranger, tenant } = make;

const channelClaims = (name, claims, why, status = 401) => ({
  name,
  status,
  why,
  token: (a) => a.sign({ ...a.channelClaims(bot, service), ...claims }, a.keys.channel),
});
const tenantClaims = (name, claims, why, status = 401) => ({
  name,
  status,
  why,
  token: (a) => a.sign({ ...a.tenantClaims(tenant, caller, bot), ...claims(a) }, a.keys.tenant),
});

const audience = /is for another audience/;
const issuer = /is of an issuer that this bot does not trust/;
const noToken = /is called with a bearer token/;

const claims = [
  ...each(
    [
      "https://evil.example",
      "https://channels.test/",
      "http://channels.test",
      "HTTPS://CHANNELS.TEST",
      "",
      "https://channels.test.evil.example",
      "https://api.botframework.com",
      null,
      ["https://channels.test"],
    ],
    (iss) => channelClaims(`iss ${JSON.stringify(iss)}`, { iss }, issuer),
  ),
  ...each(
    [
      stranger,
      "https://channels.test",
      "",
      null,
      [bot],
      `spn:${bot}`,
      `api://api://${bot}`,
      `api://${bot}/x`,
      `api://evil.example/botid-${bot}`,
      `${bot}0`,
    ],
    (aud) => channelClaims(`aud ${JSON.stringify(aud)}`, { aud }, audience),
  ),
  channelClaims("no iss", { iss: undefined }, issuer),
  channelClaims("no aud", { aud: undefined }, audience),
  channelClaims("no exp", { exp: undefined }, /does not say when it expires/),
  ...each([0, -1, null, "4102444800", 1e300], (exp) => ({
    name: `exp ${JSON.stringify(exp)}`,
    why: /expire/,
    token: (a) => make.signText(make.headerOf(a), make.claimsOf(a, { exp }), a.keys.channel),
  })),
  ...each([302, 400, 3600], (after) => ({
    name: `expired ${after} s ago`,
    why: /has expired/,
    token: (a) =>
      a.sign({ ...a.channelClaims(bot, service), nbf: seconds(-7200), exp: seconds(-after) }, a.keys.channel),
  })),
  ...each([310, 400, 3600], (before) => ({
    name: `valid in ${before} s`,
    why: /is not valid yet/,
    token: (a) =>
      a.sign({ ...a.channelClaims(bot, service), nbf: seconds(before), exp: seconds(7200) }, a.keys.channel),
  })),
  channelClaims("an nbf that is a text", { nbf: "0" }, /does not say from when it is valid/),
];

const tenants = [
  tenantClaims(
    "a tenant that is not allowed",
    (a) => ({ iss: `${a.login}${otherTenant}/v2.0`, tid: otherTenant }),
    issuer,
  ),
  tenantClaims(
    "a tenant that is not allowed, version 1.0",
    (a) => ({ iss: `${a.sts}${otherTenant}/`, tid: otherTenant }),
    issuer,
  ),
  tenantClaims(
    "the issuer of the bot's tenant, and the tid of another",
    () => ({ tid: otherTenant }),
    /is not of the tenant of its issuer/,
  ),
  tenantClaims(
    "the issuer of another tenant, and the tid of the bot's",
    (a) => ({ iss: `${a.login}${sharedTenant}/v2.0` }),
    /is not of the tenant of its issuer/,
  ),
  tenantClaims("no tid", () => ({ tid: undefined }), /is not of the tenant of its issuer/),
  tenantClaims("the tenant common", (a) => ({ iss: `${a.login}common/v2.0` }), issuer),
  tenantClaims("a tenant that is a placeholder", (a) => ({ iss: `${a.login}{tenantid}/v2.0` }), issuer),
  {
    name: "a key that is another tenant's",
    status: 503,
    why: /had no such key a short time ago/,
    token: (a) => a.sign(a.tenantClaims(tenant, caller, bot), a.keys.foreign),
  },
  {
    name: "a channel's key under a tenant's issuer",
    status: 503,
    why: /had no such key a short time ago/,
    token: (a) => a.sign(a.tenantClaims(tenant, caller, bot), a.keys.channel),
  },
  tenantClaims("no ver", () => ({ ver: undefined }), /has no version/),
  tenantClaims("ver 3.0", () => ({ ver: "3.0" }), /has no version/),
  tenantClaims("no azp", () => ({ azp: undefined }), /does not say who sends it/),
  tenantClaims("ver 1.0, and no appid", () => ({ ver: "1.0" }), /does not say who sends it/),
  tenantClaims("a token for a user, by scp", () => ({ scp: "access_as_user" }), /was made for a user/),
  tenantClaims("a token for a user, by idtyp", () => ({ idtyp: "user" }), /was made for a user/),
  tenantClaims("a client without a secret", () => ({ azpacr: "0" }), /a client that has no secret/),
  tenantClaims("the bot's own token for its channels", () => ({ azp: bot, aud: "https://channels.test" }), audience),
  tenantClaims("another bot, which may not call", () => ({ azp: stranger }), /not among the bots that may call/, 403),
  tenantClaims(
    "another bot, with the serviceurl of another service",
    () => ({ serviceurl: "https://evil.example/" }),
    /is not the serviceUrl of the activity/,
    403,
  ),
];

const activity = (name, message, why, key = "channel") => ({
  name,
  status: 403,
  why,
  message,
  token: (a) => a.sign(a.channelClaims(bot, service), a.keys[key]),
});
const otherService = /is not the serviceUrl of the activity/;

const activities = [
  channelClaims("no serviceurl", { serviceurl: undefined }, /has no claim serviceurl/, 403),
  channelClaims("a serviceurl that is empty", { serviceurl: "" }, /has no claim serviceurl/, 403),
  channelClaims("a serviceurl that is a list", { serviceurl: [service] }, /has no claim serviceurl/, 403),
  channelClaims("a serviceurl that is no URL", { serviceurl: "teams" }, otherService, 403),
  ...[
    "https://evil.example/teams/",
    "http://smba.trafficmanager.net/teams/",
    "https://smba.trafficmanager.net:8443/teams/",
    "https://smba.trafficmanager.net/Teams/",
    "https://smba.trafficmanager.net/teams/x",
    "https://smba.trafficmanager.net.evil.example/teams/",
  ].map((serviceUrl) => activity(`an activity of the service ${serviceUrl}`, { serviceUrl }, otherService)),
  activity(
    "a channel that the key is not endorsed for",
    { channelId: "slack" },
    /not endorsed for the channel/,
    "endorsed",
  ),
  activity(
    "no channel, and a key that is endorsed for some",
    { channelId: undefined },
    /not endorsed for the channel/,
    "endorsed",
  ),
  activity(
    "a channel in capital letters, and an endorsed key",
    { channelId: "SLACK" },
    /not endorsed for the channel/,
    "endorsed",
  ),
  activity(
    "an activity for another bot of the process",
    { recipient: { id: `28:${secondBot}` } },
    /is for another bot/,
  ),
];

const headers = [
  ["no header", () => undefined],
  ["no scheme", (token) => token],
  ["another scheme", (token) => `Basic ${token}`],
  ["a scheme that begins alike", (token) => `Bearer2 ${token}`],
  ["no token", () => "Bearer"],
  ["a tab in place of the space", (token) => `Bearer\t${token}`],
].map(([name, authorization]) => ({ name: `the header: ${name}`, status: 401, why: noToken, authorization }));

export const badClaims = [
  ...claims,
  ...tenants,
  ...activities,
  ...headers,
  {
    name: "the header: something behind the token",
    status: 401,
    why: /base64url|signature/,
    authorization: (token) => `Bearer ${token} x`,
  },
];

// Tokens that a bot must refuse for their form, their key or their signature; what the cases say is in bad_tokens.mjs.

import * as jose from "jose";

import { seconds } from "./authority.mjs";
import * as make from "./token_makers.mjs";

const { bot, caller, each, service, stranger, tenant } = make;

const channelHeader = (name, header, why, status = 401) => ({
  name,
  status,
  why,
  token: (a) => a.sign(a.channelClaims(bot, service), a.keys.channel, header),
});
/** What becomes of the text of a good token. */
const changed = (name, change, why) => ({
  name,
  status: 401,
  why,
  token: async (a) => change(await a.channelToken(bot, service), a),
});

const algorithm = /is not signed with RS256, RS384 or RS512/;
const badSignature = /has a signature that is not that of its issuer/;
const noBase64 = /base64url/;
const noParts = /has not three parts/;
const noKey = /names no key/;
const twice = /has a member twice/;

// "none" in all its spellings.
const nones = Array.from({ length: 16 }, (_, upper) =>
  [..."none"].map((letter, at) => (upper & (1 << at) ? letter.toUpperCase() : letter)).join(""),
);

const algorithms = [
  ...each(nones, (alg) => ({
    name: `alg ${alg}, without a signature`,
    why: noParts,
    token: (a) => `${make.base64(make.headerOf(a, { alg }))}.${make.base64(make.claimsOf(a))}.`,
  })),
  ...each(nones, (alg) => ({
    name: `alg ${alg}, with the signature of RS256`,
    why: algorithm,
    token: (a) => make.signText(make.headerOf(a, { alg }), make.claimsOf(a), a.keys.channel),
  })),
  {
    name: "a token that jose calls unsecured",
    status: 401,
    why: noParts,
    token: (a) => new jose.UnsecuredJWT(a.channelClaims(bot, service)).encode(),
  },
  ...each(Object.entries(make.publicForms), ([form, of]) => ({
    name: `HS256 with the public key ${form}`,
    why: algorithm,
    token: (a) => make.hmacText(make.headerOf(a, { alg: "HS256" }), make.claimsOf(a), of(a.keys.channel)),
  })),
  {
    name: "RS256 in the header, HMAC with the public key as signature",
    status: 401,
    why: badSignature,
    token: (a) => make.hmacText(make.headerOf(a), make.claimsOf(a), make.publicForms["as PEM"](a.keys.channel)),
  },
  {
    name: "HS256 with a secret that stands among the keys",
    status: 401,
    why: algorithm,
    token: (a) =>
      new jose.SignJWT(a.channelClaims(bot, service))
        .setProtectedHeader({ alg: "HS256", kid: "secret-key" })
        .sign(new TextEncoder().encode("a secret that everybody may read")),
  },
  {
    name: "ES256 with a key of the issuer",
    status: 401,
    why: algorithm,
    token: (a) => a.sign(a.channelClaims(bot, service), a.keys.curve),
  },
  {
    name: "RS512 in the header, RS256 as signature",
    status: 401,
    why: /is signed with an algorithm that its key is not for/,
    token: (a) => make.signText(make.headerOf(a, { alg: "RS512" }), make.claimsOf(a), a.keys.channel),
  },
  ...each(["RS384", "RS512", "PS256"], (alg) => ({
    name: `${alg} with the issuer's own key, which is for RS256`,
    why: alg === "PS256" ? algorithm : /is signed with an algorithm that its key is not for/,
    token: async (a) =>
      new jose.SignJWT(a.channelClaims(bot, service))
        .setProtectedHeader({ alg, kid: a.keys.channel.kid })
        .sign(await jose.importPKCS8(await jose.exportPKCS8(a.keys.channel.privateKey), alg)),
  })),
  ...each(["rs256", "RS256 ", "", null, ["RS256"], 256], (alg) => ({
    name: `alg ${JSON.stringify(alg)}`,
    why: algorithm,
    token: (a) => make.signText(make.headerOf(a, { alg }), make.claimsOf(a), a.keys.channel),
  })),
];

const keys = [
  ...each([undefined, "", null, 7, ["channel-key"], { kid: "channel-key" }, "k".repeat(300)], (kid) => ({
    name: `kid ${JSON.stringify(kid)?.slice(0, 30)}`,
    why: noKey,
    token: (a) => make.signText(make.headerOf(a, { kid }), make.claimsOf(a), a.keys.channel),
  })),
  // The first key that is not there is asked for; for an hour no other one is, so that nobody can make a bot fetch keys.
  channelHeader("a kid that nobody has", { kid: "unknown" }, /is signed with a key that its issuer does not have/),
  ...each(
    [
      "CHANNEL-KEY",
      "channel-key ",
      "channel-key\u0000",
      "../v1/channel-key",
      "/dev/null",
      "file:///dev/null",
      "' OR '1'='1",
      "channel-key|id",
      "https://evil.example/keys",
      "secret-key",
      "curve-key",
      "encryption-key",
      "key-for-384",
      "tenant-key",
    ],
    (kid) => ({
      ...channelHeader(`kid ${JSON.stringify(kid)}`, { kid }, /had no such key a short time ago/, 503),
    }),
  ),
  ...["jwk", "jku", "x5u", "x5c", "x5t"].map((member) => ({
    name: `another key, which the header brings as ${member}`,
    status: 401,
    why: badSignature,
    token: (a) =>
      a.sign(a.channelClaims(bot, service), a.keys.stranger, {
        [member]: {
          jwk: a.keys.stranger.jwk,
          jku: `${a.channel}/evil/keys`,
          x5u: `${a.channel}/evil/certificate`,
          x5c: ["MIIB"],
          x5t: "AAAA",
        }[member],
      }),
  })),
  {
    name: "another key, which the header brings as jwk, and no kid",
    status: 401,
    why: noKey,
    token: (a) => a.sign(a.channelClaims(bot, service), a.keys.stranger, { kid: undefined, jwk: a.keys.stranger.jwk }),
  },
  ...each([["exp"], ["kid"], ["https://evil.example/"], [], "exp"], (crit) => ({
    name: `crit ${JSON.stringify(crit)}`,
    why: /has an extension that must be understood/,
    token: (a) => make.signText(make.headerOf(a, { crit, exp: 1 }), make.claimsOf(a), a.keys.channel),
  })),
  {
    name: "claims that are not encoded (b64), as jose makes them",
    status: 401,
    why: /extension that must be understood/,
    token: async (a) => {
      const detached = await new jose.FlattenedSign(new TextEncoder().encode("{}"))
        .setProtectedHeader({ alg: "RS256", kid: a.keys.channel.kid, b64: false, crit: ["b64"] })
        .sign(a.keys.channel.privateKey);
      return `${detached.protected}.${make.base64(make.claimsOf(a))}.${detached.signature}`;
    },
  },
  ...each([`"alg":"none"`, `"alg":"RS256"`, `"kid":"other"`, `"k\\u0069d":"channel-key"`], (member) => ({
    name: `a header with ${member} besides its own`,
    why: twice,
    token: (a) => make.signText(make.withMember(make.headerOf(a), member), make.claimsOf(a), a.keys.channel),
  })),
];

const cut = (end) => (token) =>
  make.beforeSignature(token) + make.base64(jose.base64url.decode(make.signatureOf(token)).slice(0, end));

const forms = [
  changed("no signature, and no dot", (token) => make.beforeSignature(token).slice(0, -1), noParts),
  changed("an empty signature", make.beforeSignature, noParts),
  changed("a signature without its last character", (token) => token.slice(0, -1), /base64url|that of its issuer/),
  changed("a signature without its last byte", cut(-1), badSignature),
  changed(
    "a signature without its first bytes",
    (token) => make.beforeSignature(token) + make.signatureOf(token).slice(4),
    badSignature,
  ),
  changed("half a signature", cut(-128), badSignature),
  changed("a signature of one byte", (token) => `${make.beforeSignature(token)}AA`, badSignature),
  changed(
    "a signature of zeros",
    (token) => make.beforeSignature(token) + make.base64(Buffer.alloc(256)),
    badSignature,
  ),
  changed(
    "a signature with a byte more",
    (token) =>
      make.beforeSignature(token) +
      make.base64(Buffer.concat([jose.base64url.decode(make.signatureOf(token)), Buffer.of(0)])),
    badSignature,
  ),
  changed("a signature with padding", (token) => `${token}==`, noBase64),
  changed("a signature in plain base64", (token) => `${make.beforeSignature(token)}${"+/".repeat(171)}`, noBase64),
  changed("a signature two times", (token) => `${token}.${make.signatureOf(token)}`, noParts),
  changed(
    "the signature of another good token",
    async (token, a) =>
      make.beforeSignature(token) +
      make.signatureOf(await a.sign({ ...a.channelClaims(bot, service), exp: seconds(7200) }, a.keys.channel)),
    badSignature,
  ),
  changed(
    "the signature of the same claims with another key of the issuer",
    async (token, a) =>
      make.beforeSignature(token) + make.signatureOf(await a.sign(a.channelClaims(bot, service), a.keys.endorsed)),
    badSignature,
  ),
  changed(
    "claims that were changed after they were signed",
    (token, a) =>
      `${token.split(".")[0]}.${make.base64(make.claimsOf(a, { exp: seconds(9999) }))}.${make.signatureOf(token)}`,
    badSignature,
  ),
  changed(
    "the claims of another token, and its own signature",
    async (token, a) =>
      `${token.split(".")[0]}.${(await a.tenantToken(tenant, caller, bot)).split(".").slice(1).join(".")}`,
    /a key that its issuer does not have/,
  ),
  {
    name: "a key that only bears the name of the issuer's",
    status: 401,
    why: badSignature,
    token: (a) => a.sign(a.channelClaims(bot, service), a.keys.stranger),
  },
  changed(
    "header and claims in each other's place",
    (token) => [1, 0, 2].map((at) => token.split(".")[at]).join("."),
    algorithm,
  ),
  changed(
    "a token that is encrypted (JWE), in five parts",
    async (_, a) =>
      new jose.EncryptJWT(a.channelClaims(bot, service))
        .setProtectedHeader({ alg: "RSA-OAEP-256", enc: "A256GCM", kid: a.keys.channel.kid })
        .encrypt(await jose.importSPKI(await jose.exportSPKI(a.keys.channel.publicKey), "RSA-OAEP-256")),
    noParts,
  ),
  changed(
    "a token in JSON, in place of the compact form",
    async (_, a) =>
      make.base64(
        JSON.stringify(
          await new jose.FlattenedSign(new TextEncoder().encode(make.claimsOf(a)))
            .setProtectedHeader({ alg: "RS256", kid: a.keys.channel.kid })
            .sign(a.keys.channel.privateKey),
        ),
      ),
    noParts,
  ),
  {
    name: "a token that is longer than a header may be",
    status: 431,
    why: /header/i,
    token: async (a) => (await a.channelToken(bot, service)) + "A".repeat(20_000),
  },
  ...each(
    [
      `"aud":"${stranger}"`,
      `"iss":"https://evil.example"`,
      `"exp":99999999999`,
      `"serviceurl":"https://evil.example/"`,
      `"a\\u0075d":"${bot}"`,
      `"x":{"y":1,"y":2}`,
    ],
    (member) => ({
      name: `claims with ${member} besides their own`,
      why: twice,
      token: (a) => make.signText(make.headerOf(a), make.withMember(make.claimsOf(a), member), a.keys.channel),
    }),
  ),
  ...each(["[]", "null", `"text"`, "{", ""], (claims) => ({
    name: `claims that are ${claims || "nothing"}`,
    why: claims ? /no JSON object/ : noParts,
    token: (a) => make.signText(make.headerOf(a), claims, a.keys.channel),
  })),
];

export const badSignatures = [...algorithms, ...keys, ...forms];

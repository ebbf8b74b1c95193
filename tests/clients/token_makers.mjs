// Tokens that are nearly right: made with jose, or by hand where jose refuses to make them.

import { createHmac, createPublicKey, sign } from "node:crypto";

import * as jose from "jose";

export const bot = "b0700000-0000-4000-8000-000000000001";
export const secondBot = "b0700000-0000-4000-8000-000000000002";
export const caller = "ca110000-0000-4000-8000-000000000001";
export const stranger = "57a00000-0000-4000-8000-000000000001";
export const tenant = "7e4a4700-0000-4000-8000-000000000001";
export const otherTenant = "7e4a4700-0000-4000-8000-000000000002";
export const service = "https://smba.trafficmanager.net/teams/";

export const base64 = (text) => jose.base64url.encode(text);
export const beforeSignature = (token) => token.slice(0, token.lastIndexOf(".") + 1);
export const signatureOf = (token) => token.slice(token.lastIndexOf(".") + 1);

/** A token whose header and claims are these texts, which need be no JSON. */
export function signText(header, claims, key) {
  const text = `${base64(header)}.${base64(claims)}`;
  return `${text}.${base64(sign("sha256", text, key.privateKey))}`;
}

export function hmacText(header, claims, secret) {
  const text = `${base64(header)}.${base64(claims)}`;
  return `${text}.${base64(createHmac("sha256", secret).update(text).digest())}`;
}

const exported = (key, options) => createPublicKey({ key: key.jwk, format: "jwk" }).export(options);

/** What everybody may know of a key, in the forms that have been taken for a secret. */
export const publicForms = {
  "as PEM": (key) => exported(key, { type: "spki", format: "pem" }),
  "as PEM without its last line end": (key) => exported(key, { type: "spki", format: "pem" }).trimEnd(),
  "as DER": (key) => exported(key, { type: "spki", format: "der" }),
  "as PEM of PKCS #1": (key) => exported(key, { type: "pkcs1", format: "pem" }),
  "as its modulus": (key) => key.jwk.n,
  "as JWK": (key) => JSON.stringify(key.jwk),
};

export const headerOf = (authority, more) =>
  JSON.stringify({ alg: "RS256", kid: authority.keys.channel.kid, typ: "JWT", ...more });

export const claimsOf = (authority, more) => JSON.stringify({ ...authority.channelClaims(bot, service), ...more });

/** `text` of an object, with another member at its end. */
export const withMember = (text, member) => `${text.slice(0, -1)},${member}}`;

let messages = 0;

/** A message of Teams to the bot, like no other, which is answered in the response. */
export function message(more = {}) {
  const id = `${process.pid}-${++messages}`;
  return {
    type: "message",
    id,
    text: "hello",
    channelId: "msteams",
    serviceUrl: service,
    deliveryMode: "expectReplies",
    conversation: { id: `conversation-${id}` },
    from: { id: "29:somebody" },
    recipient: { id: `28:${bot}` },
    ...more,
  };
}

/** Cases that differ in one word only. */
export const each = (values, what) => values.map((value) => ({ status: 401, ...what(value) }));

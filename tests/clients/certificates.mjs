// Certificates that are good for a day, made with openssl: Node can read them but not make them.

import { execFile } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

async function selfSigned(folder, name, key, ...more) {
  const files = { certificateFile: path.join(folder, `${name}.pem`), keyFile: path.join(folder, `${name}.key`) };
  await run("openssl", [
    "req",
    "-x509",
    "-noenc",
    "-days",
    "1",
    "-subj",
    `/CN=${name}`,
    "-newkey",
    ...key,
    "-keyout",
    files.keyFile,
    "-out",
    files.certificateFile,
    ...more,
  ]);
  const [certificate, privateKey] = await Promise.all([
    readFile(files.certificateFile, "utf8"),
    readFile(files.keyFile, "utf8"),
  ]);
  return { ...files, certificate, privateKey };
}

/** The certificate of a server with these names; it is its own authority. */
export function serverCertificate(folder, names) {
  const places = ["IP:127.0.0.1", ...["localhost", ...names].map((name) => `DNS:${name}`)];
  return selfSigned(
    folder,
    "server",
    ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "-addext",
    `subjectAltName=${places.join(",")}`,
  );
}

/** The certificate with which an app shows its tenant who it is, with its names for a key: x5t and x5t#S256. */
export async function appCertificate(folder, name) {
  const made = await selfSigned(folder, name, ["rsa:2048"]);
  const { raw } = new X509Certificate(made.certificate);
  const digest = (algorithm, form) => createHash(algorithm).update(raw).digest(form);
  return {
    ...made,
    thumbprint: digest("sha1", "hex").toUpperCase(),
    x5t: digest("sha1", "base64url"),
    x5tS256: digest("sha256", "base64url"),
  };
}

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
} from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

const BLOCK = /-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----/g;

/** SHA-256 in one call, for `domain/audit`. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer');
}

/** First 16 hex digits of the SHA-256 of the public key (SPKI, DER): names the key in what it signs. */
export function keyId(publicKey: KeyObject): string {
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('hex').slice(0, 16);
}

/** The Ed25519 private key of a PEM file. @throws Error that says what is wrong with the file. */
export function readSigningKey(file: string): KeyObject {
  const key = createPrivateKey(readFileSync(file));
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`${file} holds no Ed25519 key.`);
  return key;
}

/** The public keys of a PEM file by their ids; of private keys in it, their public halves. */
export function readPublicKeys(file: string): ReadonlyMap<string, KeyObject> {
  const blocks = readFileSync(file, 'utf8').match(BLOCK) ?? [];
  const keys = blocks.map((block) => createPublicKey(block));
  if (keys.length === 0) throw new Error(`${file} holds no key.`);
  return new Map(keys.map((key) => [keyId(key), key]));
}

/** Makes a key where there is none, readable by this user only, and its public half beside it as `*.pub`. */
export async function ensureSigningKey(file: string): Promise<void> {
  if (existsSync(file)) return;
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.pub`, publicKey.export({ type: 'spki', format: 'pem' }));
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  await writeFile(file, pem, { mode: 0o600, flag: 'wx' });
}

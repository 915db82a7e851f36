import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

import { z } from 'zod';

/** Grows when a file of before can no longer be read. What an account holds is checked account by account. */
export const COPY_VERSION = 1;
/** A larger copy is not written, and one that large is not read. */
export const COPY_BYTES_MAX = 512 * 1024 * 1024;
const ACCOUNTS_MAX = 1_000_000;
const LENGTH_BYTES = 4;
const TAG_BYTES = 16;

/** Why a copy is not used; the message ends the sentence «it is refused: …». */
export class CopyRefusal extends Error {
  override readonly name = 'CopyRefusal';
}

const headerSchema = z.object({
  pdlite: z.literal('directory'),
  version: z.number(),
  /** Grows with each file that is written. */
  sequence: z.int().nonnegative(),
  savedAt: z.string(),
  /** Which database it is a copy of. */
  source: z.string(),
  /** Makes the file's key its own, so that counting accounts is a nonce. */
  salt: z.string(),
  accounts: z.int().min(0).max(ACCOUNTS_MAX),
});
export type CopyHeader = z.infer<typeof headerSchema>;

/** What the bytes are sealed with, and which database they must be of. */
export interface CopyKey {
  readonly secret: string;
  readonly source: string;
}

/** Tells databases apart, whatever their roles and passwords. */
export function sourceOf(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return createHash('sha256').update(`${hostname}:${port}${pathname}`).digest('hex').slice(0, 16);
}

/** Makes the bytes of one file: first the line, then each account's text in turn. */
export function startCopy(
  { secret, source }: CopyKey,
  { sequence, accounts }: Pick<CopyHeader, 'sequence' | 'accounts'>,
): { readonly line: Buffer; readonly seal: (text: string, index: number) => Buffer } {
  const header: CopyHeader = {
    ...{ pdlite: 'directory', version: COPY_VERSION, sequence, source, accounts },
    savedAt: new Date().toISOString(),
    salt: randomBytes(16).toString('hex'),
  };
  const line = Buffer.from(`${JSON.stringify(header)}\n`);
  const key = keyOf(secret, header);
  return { line, seal: (text, index) => seal(text, { key, line, index }) };
}

/** Version, sequence and source of a file. @throws CopyRefusal for anything else */
export function readHeader(bytes: Buffer): { readonly header: CopyHeader; readonly line: Buffer } {
  const line = bytes.subarray(0, bytes.indexOf(0x0a) + 1);
  const parsed = headerSchema.safeParse(parseJson(line.toString()));
  if (!parsed.success) throw new CopyRefusal('it is not a copy of the directory');
  return { header: parsed.data, line };
}

/** The accounts' texts. @throws CopyRefusal for a file of another kind, or one that is not whole and as it was made */
export function readCopy(
  bytes: Buffer,
  { secret, source }: CopyKey,
): { readonly header: CopyHeader; readonly texts: readonly string[] } {
  const { header, line } = readHeader(bytes);
  if (header.version !== COPY_VERSION) throw new CopyRefusal(`it has version ${header.version}`);
  if (header.source !== source) throw new CopyRefusal('it is of another database');
  const key = keyOf(secret, header);
  const texts: string[] = [];
  let at = line.length;
  for (let index = 0; index < header.accounts; index += 1) {
    const start = at + LENGTH_BYTES + TAG_BYTES;
    const end = start > bytes.length ? start : start + bytes.readUInt32BE(at);
    if (end > bytes.length) throw new CopyRefusal('it ends early');
    texts.push(unseal(bytes.subarray(at + LENGTH_BYTES, end), { key, line, index }));
    at = end;
  }
  if (at !== bytes.length) throw new CopyRefusal('it goes on after its end');
  return { header, texts };
}

interface Place {
  readonly key: Buffer;
  readonly line: Buffer;
  readonly index: number;
}

/** Length, authentication tag, ciphertext. */
function seal(text: string, { key, line, index }: Place): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce(index)).setAAD(line);
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(sealed.length);
  return Buffer.concat([length, cipher.getAuthTag(), sealed]);
}

function unseal(bytes: Buffer, { key, line, index }: Place): string {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce(index), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(line).setAuthTag(bytes.subarray(0, TAG_BYTES));
    const text = Buffer.concat([decipher.update(bytes.subarray(TAG_BYTES)), decipher.final()]);
    return text.toString();
  } catch (error) {
    throw new CopyRefusal('it is damaged, or was made with another LINK_SECRET', { cause: error });
  }
}

function keyOf(secret: string, { salt }: CopyHeader): Buffer {
  const bytes = hkdfSync('sha256', secret, Buffer.from(salt, 'hex'), 'pdlite directory', 32);
  return Buffer.from(bytes);
}

function nonce(index: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(index, 8);
  return bytes;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

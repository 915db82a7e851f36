import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** What is sealed, so that nothing opens in another's place. */
export const SEALED = { watchdogContacts: 'watchdog-contacts' } as const;

const ALGORITHM = 'aes-256-gcm';
const VERSION = 'v1';

/** A sealed text that was changed, or sealed with another key. */
export class SealError extends Error {
  override readonly name = 'SealError';
}

/**
 * Seals a text with a secret of at least 32 characters: AES-256-GCM under a key derived for `purpose`, so that a
 * text sealed for one purpose does not open for another.
 */
export function seal(secret: string, purpose: string, text: string): string {
  const iv = randomBytes(12);
  const cipher = createCipheriv(ALGORITHM, keyOf(secret, purpose), iv);
  const data = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return [VERSION, ...[iv, cipher.getAuthTag(), data].map((part) => part.toString('base64'))].join(
    '.',
  );
}

/** @throws SealError when the text was not sealed with this secret for this purpose, or was changed since. */
export function unseal(secret: string, purpose: string, sealed: string): string {
  const [version, ...parts] = sealed.trim().split('.');
  const [iv, tag, data] = parts.map((part) => Buffer.from(part, 'base64'));
  if (version !== VERSION || iv?.length !== 12 || tag?.length !== 16 || data === undefined) {
    throw new SealError('This is no sealed text.');
  }
  try {
    const decipher = createDecipheriv(ALGORITHM, keyOf(secret, purpose), iv).setAuthTag(tag);
    return decipher.update(data, undefined, 'utf8') + decipher.final('utf8');
  } catch (cause) {
    throw new SealError('The sealed text was changed, or sealed with another key.', { cause });
  }
}

function keyOf(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'pdlite-seal', purpose, 32));
}

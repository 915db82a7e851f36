import { createHash, randomBytes, randomInt } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** A PagerDuty-shaped id: a letter and 13 of `A-Z0-9`, 67 bits of chance. */
export function newId(prefix = 'P'): string {
  return prefix + randomText(13);
}

/** `length` characters of `A-Z0-9`, without the bias of a plain modulo. */
function randomText(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < 252 && text.length < length) text += ALPHABET.charAt(byte % 36);
    }
  }
  return text;
}

/** A 32-character integration key (lower-case hex), as the Events API demands. */
export function newIntegrationKey(): string {
  return randomBytes(16).toString('hex');
}

/** A REST key: prefix, 256 bits in base64url, and a 4-character checksum so that scanners can tell one. */
export function newApiKey(): string {
  const secret = randomBytes(32).toString('base64url');
  return `pdl_${secret}_${hashKey(secret).slice(0, 4)}`;
}

/** SHA-256 hex. A fast hash is right for keys with this much chance in them. */
export function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/**
 * Gives the numbers of new incidents: milliseconds since 2026 whose last digit is that of this process.
 * One process never gives a number twice, two with different digits never the same one. Asked more than
 * 100 times a second it runs ahead of the clock. A number is for reading; what names an incident is its id.
 */
export function incidentNumbers(now: () => number, digit: number): () => number {
  let last = digit - 10;
  return () => {
    const byClock = Math.floor((now() - Date.UTC(2026, 0, 1)) / 10) * 10 + digit;
    last = Math.max(last + 10, byClock);
    return last;
  };
}

/** The number of an incident that this process opens. */
export const newIncidentNumber = incidentNumbers(Date.now, randomInt(10));

import { randomBytes } from 'node:crypto';

/** `SM` or `CA` and 32 hex digits. */
export function newSid(prefix: 'SM' | 'CA'): string {
  return prefix + randomBytes(16).toString('hex');
}

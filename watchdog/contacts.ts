import { readFile } from 'node:fs/promises';

import { z } from 'zod';

import { seal, SEALED, unseal } from '../platform/seal.ts';

const contactsSchema = z
  .array(
    z.strictObject({
      name: z.string().min(1).max(100),
      channel: z.enum(['voice', 'sms', 'email', 'push']),
      address: z.string().min(1).max(254),
    }),
  )
  .min(1)
  .max(20);

/** Whom the watchdog tells: people of the operator, known to it alone, not from the product's database. */
export type Contact = z.infer<typeof contactsSchema>[number];

/** @throws Error that says what is wrong with the list. */
export function sealContacts(secret: string, json: string): string {
  return seal(secret, SEALED.watchdogContacts, JSON.stringify(parse(json)));
}

/** @throws Error when the file is missing, was changed, or holds no valid list. */
export async function readContacts(file: string, secret: string): Promise<readonly Contact[]> {
  return parse(unseal(secret, SEALED.watchdogContacts, await readFile(file, 'utf8')));
}

function parse(json: string): Contact[] {
  const result = contactsSchema.safeParse(toJson(json));
  if (result.success) return result.data;
  const where = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new Error(`The contact list is not valid: ${where.join('; ')}`);
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('The contact list is not JSON.');
  }
}

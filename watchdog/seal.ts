/**
 * `pdlite watchdog-seal < contacts.json > contacts.sealed`: seals the watchdog's contact list with
 * WATCHDOG_CONTACTS_KEY. The list: `[{"name": "Ada", "channel": "sms", "address": "+15005550101"}]`, at most 20.
 */
import { text } from 'node:stream/consumers';

import { loadConfig } from '../platform/config.ts';
import { sealContacts } from './contacts.ts';

try {
  const { WATCHDOG_CONTACTS_KEY: key } = loadConfig();
  if (key === undefined) throw new Error('WATCHDOG_CONTACTS_KEY is not set.');
  console.log(sealContacts(key, await text(process.stdin)));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}

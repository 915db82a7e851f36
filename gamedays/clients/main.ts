import { readFileSync } from 'node:fs';

import { openJsonLines } from '../../platform/json-lines.ts';
import type { World } from '../ledgers/records.ts';
import type { AlertScript } from '../load/plan-load.ts';
import { People } from './people.ts';
import { Sender } from './sender.ts';

/** What a process of clients is told: the path of such a JSON file is its second argument. */
export interface ClientSettings {
  readonly scripts: readonly AlertScript[];
  readonly world: World;
  readonly routingKeys: Readonly<Record<string, string>>;
  readonly apiUrls: readonly string[];
  readonly simulators: readonly string[];
  readonly startAt: number;
  readonly endAt: number;
  readonly sentFile: string;
  readonly answersFile: string;
}

/** `main.ts sender SETTINGS` sends and ends; `main.ts people SETTINGS` answers until SIGTERM. */
const [role, file = ''] = process.argv.slice(2);
// Written by the harness in the same run.
const settings = JSON.parse(readFileSync(file, 'utf8')) as ClientSettings;
if (role === 'sender') {
  const ledger = openJsonLines(settings.sentFile);
  await new Sender({ ...settings, ledger }).run();
  ledger.close();
} else {
  const ledger = openJsonLines(settings.answersFile);
  const people = new People({ ...settings, ledger });
  process.once('SIGTERM', () => people.stop());
  await people.run();
  ledger.close();
}

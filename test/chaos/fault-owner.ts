import { FaultClient } from '../../gamedays/faults/client.ts';
import type { Fault } from '../../gamedays/faults/fault.ts';

/**
 * A process that holds faults until it dies. Arguments: the agent's URL, its token, and JSON
 * `[[fault, ttlMs], …]`. Prints `on` when all are in force.
 */
const [url = '', token = '', faults = '[]'] = process.argv.slice(2);
const client = new FaultClient({ url, token });
for (const [fault, ttlMs] of JSON.parse(faults) as readonly [Fault, number][])
  await client.on(fault, ttlMs);
console.log('on');

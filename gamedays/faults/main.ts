import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import { agentSettingsSchema } from './agent-settings.ts';
import { FaultAgent } from './agent.ts';
import { createControlApi } from './control-api.ts';
import { Link } from './link.ts';

const STOP_MS = 15_000;

const settings = agentSettingsSchema.parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')));
const links = new Map(
  Object.entries(settings.links).map(([name, { port, targets, healthPath }]) => [
    name,
    new Link({ port, targets, ...(healthPath === undefined ? {} : { healthPath }) }),
  ]),
);
for (const link of links.values()) await link.start();
const agent = new FaultAgent({ ...settings, links });
const server = createServer(createControlApi(agent, settings.token));
server.listen(settings.port, '127.0.0.1');
await once(server, 'listening');
console.log('fault agent is ready');

for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => {
    setTimeout(() => process.exit(1), STOP_MS).unref();
    void agent.stop().then(() => process.exit(0));
  });

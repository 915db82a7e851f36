import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import { z } from 'zod';

import { FaultAgent } from './agent.ts';
import { createControlApi } from './control-api.ts';
import { Link } from './link.ts';

/** What the agent's process is told: the path of a JSON file of this form is its only argument. */
const settingsSchema = z.strictObject({
  /** Of the control, on 127.0.0.1. */
  port: z.number().int().min(0).max(65535),
  token: z.string().min(16),
  ledgerFile: z.string(),
  links: z.record(
    z.string(),
    z.strictObject({
      port: z.number().int().min(1).max(65535),
      targets: z.array(z.string()).min(1).max(10),
      healthPath: z.string().optional(),
    }),
  ),
  simulators: z.record(z.string(), z.url()),
  postgres: z.record(z.string(), z.string()),
});

export type AgentSettings = z.infer<typeof settingsSchema>;

const STOP_MS = 15_000;

const settings = settingsSchema.parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')));
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

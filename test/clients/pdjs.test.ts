import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { DEMO_KEYS } from '../../db/seed-accounts.ts';
import { openIntakeApi, type IntakeApi } from '../support/intake-api.ts';
import { startTlsFront, type TlsFront } from '../support/tls-front.ts';

// PagerDuty's own JavaScript client, unchanged but for its server, sends events and reads the account.
const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
let intake: IntakeApi;
let front: TlsFront;
beforeAll(async () => {
  intake = await openIntakeApi();
  front = await startTlsFront(intake.api.url);
});
afterAll(async () => {
  await front.close();
  await intake.close();
});

/** In a process of its own: only so can it trust the certificate, and its timers keep a process up. */
async function pdjs(lines: readonly string[]): Promise<unknown> {
  const script = [
    'import pdjs from "@pagerduty/pdjs";',
    'const { api, event, change } = pdjs;',
    ...lines,
    'process.stdout.write(JSON.stringify(out), () => process.exit(0));',
  ].join('\n');
  const args = ['--input-type=module', '--no-warnings', '-e', script];
  const { stdout } = await run(process.execPath, args, {
    cwd: root,
    env: {
      NODE_EXTRA_CA_CERTS: front.certificate,
      HOST: front.host,
      URL: intake.api.url,
      EVENTS_KEY: DEMO_KEYS.eventsV2,
      REST_KEY: intake.restKey,
    },
    timeout: 40_000,
  });
  return JSON.parse(stdout);
}

describe('pdjs', () => {
  it('sends an event, a resolve and a change', async () => {
    const out = await pdjs([
      'const { HOST: server, EVENTS_KEY: routing_key } = process.env;',
      'const payload = { summary: "disk full", source: "db1", severity: "error" };',
      'const one = await event({ server, data: { routing_key, event_action: "trigger", dedup_key: "js", payload } });',
      'const two = await event({ server, data: { routing_key, event_action: "resolve", dedup_key: "js" } });',
      'const three = await change({ server, data: { routing_key, payload: { summary: "deployed" } } });',
      'const out = [one, two, three].map(({ response, data }) => [response.status, data]);',
    ]);
    const success = { status: 'success', message: 'Event processed' };
    expect(out).toEqual([
      [202, { ...success, dedup_key: 'js' }],
      [202, { ...success, dedup_key: 'js' }],
      [202, success],
    ]);
  });

  it('is told what is wrong', async () => {
    const out = await pdjs([
      'const { HOST: server } = process.env;',
      'const { response, data } = await event({ server, data: { routing_key: "short", event_action: "trigger" } });',
      'const out = [response.status, data.status];',
    ]);
    expect(out).toEqual([400, 'invalid event']);
  });

  it('reads the account over REST', async () => {
    const out = await pdjs([
      'const { URL: url, REST_KEY: token } = process.env;',
      'const { response, data } = await api({ token, endpoint: `${url}/users` , url: `${url}/users` });',
      'const out = [response.status, data.users.length > 0, data.limit];',
    ]);
    expect(out).toEqual([200, true, 25]);
  });
});

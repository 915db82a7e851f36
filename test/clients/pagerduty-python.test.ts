import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { DEMO_KEYS } from '../../db/seed-accounts.ts';
import { openIntakeApi, type IntakeApi } from '../support/intake-api.ts';
import { startTlsFront, type TlsFront } from '../support/tls-front.ts';

// PagerDuty's own Python client, unchanged but for its base URL, sends events and reads the account.
const run = promisify(execFile);
const VERSION = '7.2.0';
const library = fileURLToPath(new URL(`../../.cache/pagerduty-${VERSION}`, import.meta.url));
const INSTALL_LIMIT_MS = 180_000;

let intake: IntakeApi;
let front: TlsFront;
beforeAll(async () => {
  if (!existsSync(`${library}/pagerduty`)) {
    const args = ['-m', 'pip', 'install', '--quiet', '--target', library, `pagerduty==${VERSION}`];
    await run('python3', args, { timeout: INSTALL_LIMIT_MS });
  }
  intake = await openIntakeApi();
  front = await startTlsFront(intake.api.url);
}, INSTALL_LIMIT_MS + 60_000);
afterAll(async () => {
  await front.close();
  await intake.close();
});

async function python(lines: readonly string[]): Promise<unknown> {
  const script = ['import json, ssl, pagerduty', ...lines, 'print(json.dumps(out))'].join('\n');
  const { stdout } = await run('python3', ['-c', script], {
    env: {
      PATH: process.env['PATH'],
      PYTHONPATH: library,
      SSL_CERT_FILE: front.certificate,
      URL: `https://${front.host}`,
      EVENTS_KEY: DEMO_KEYS.eventsV2,
      REST_KEY: intake.restKey,
    },
    timeout: 40_000,
  });
  return JSON.parse(stdout);
}
const setUp = [
  'import os',
  'ctx = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])',
  'url = os.environ["URL"]',
];

describe('the Python client', () => {
  it('triggers, acknowledges, resolves and sends a change', async () => {
    const out = await python([
      ...setUp,
      'events = pagerduty.EventsApiV2Client(os.environ["EVENTS_KEY"], base_url=url, verify=ctx)',
      'key = events.trigger("disk full", "db1", severity="critical", custom_details={"free": 1})',
      'events.acknowledge(key)',
      'events.resolve(key)',
      'same = events.trigger("again", "db1", dedup_key="mine")',
      'changes = pagerduty.EventsApiV2Client(os.environ["EVENTS_KEY"], base_url=url, verify=ctx)',
      'changes.submit("deployed", source="ci", timestamp="2026-11-23T12:00:00+00:00")',
      'out = [key, same]',
    ]);
    expect(out).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), 'mine']);
  });

  it('gets an HttpError for a refused event, at once', async () => {
    const out = await python([
      ...setUp,
      'events = pagerduty.EventsApiV2Client("f" * 32, base_url=url, verify=ctx)',
      'try:',
      '    events.trigger("x", "y")',
      '    out = "taken"',
      'except pagerduty.HttpError as error:',
      '    out = [error.response.status_code, error.response.json()["errors"]]',
    ]);
    expect(out).toEqual([400, ['Invalid routing key']]);
  });

  it('reads users, services and incidents', async () => {
    const out = await python([
      ...setUp,
      'rest = pagerduty.RestApiV2Client(os.environ["REST_KEY"], default_from="ada@example.com", base_url=url, verify=ctx)',
      'users = rest.list_all("users")',
      'services = list(rest.iter_all("services"))',
      'out = [len(users), users[0]["type"], len(services), rest.list_all("incidents")]',
    ]);
    expect(out).toEqual([expect.any(Number), 'user', expect.any(Number), expect.any(Array)]);
  });
});

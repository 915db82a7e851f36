// What the product sends to Twilio is valid by Twilio's own OpenAPI description, checked by Prism, and so is
// what the simulated Twilio answers. Skipped where the description is not at hand (`../shared/specs`).
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

import { Ajv } from 'ajv';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { loadConfig } from '../../platform/config.ts';
import { createProviders } from '../../providers/index.ts';
import type { Provider } from '../../providers/provider.ts';
import { startTestSimulators } from '../support/simulators.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const description = `${root}../shared/specs/twilio-api-2010.openapi.json`;
const prism = `${root}node_modules/.bin/prism`;
const SID = 'AC00000000000000000000000000000001';
const callbacks = { publicUrl: 'https://p.test', deliveryId: 'responder/PA/PU/1-1' };

function provider(baseUrl: string, channel: 'sms' | 'voice'): Provider {
  const twilio = {
    ...{ id: 't', kind: 'twilio', channels: [channel], baseUrl, accountSid: SID, timeoutMs: 5000 },
    ...{ authToken: 'simulated-twilio-token', from: '+15550000000' },
  };
  const config = loadConfig({ PROVIDERS: JSON.stringify([twilio]) });
  const [made] = createProviders(config, { logger: pino({ level: 'silent' }) })[channel];
  if (!made) throw new Error('The provider is missing.');
  return made;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe.skipIf(!existsSync(description))('Twilio’s OpenAPI description', () => {
  let mock: ChildProcess;
  let url = '';

  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const options = ['mock', '-h', '127.0.0.1', '-p', `${port}`, '--errors', description];
    mock = spawn(prism, options, { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise<void>((resolve, reject) => {
      mock.stdout?.on('data', (part: Buffer) => {
        if (part.toString().includes('is listening')) resolve();
      });
      mock.once('exit', () => reject(new Error('prism ended')));
    });
  }, 90_000);
  afterAll(() => {
    mock.kill();
  });

  it('takes our text message', async () => {
    const sending = provider(url, 'sms').send(
      { channel: 'sms', to: '+15551110001', text: 'Down', callbacks },
      'k',
    );
    await expect(sending).resolves.toMatchObject({
      providerId: expect.stringMatching(/^(SM|MM)/) as string,
    });
  });

  // Without status callback: Prism refuses every form with a repeated StatusCallbackEvent.
  it.each([
    { script: 'token', callbacks: { ...callbacks, deliveryId: null } },
    { words: 'PD Lite watchdog: down: intake' },
  ])('takes our call that says %j', async (speech) => {
    const call = { channel: 'voice', to: '+15551110001', speech } as const;
    const sending = provider(url, 'voice').send(call, 'k');
    await expect(sending).resolves.toMatchObject({
      providerId: expect.stringMatching(/^CA/) as string,
    });
  });

  it('fits what the simulated Twilio answers', async () => {
    const people = await startTestSimulators();
    try {
      const headers = { Authorization: `Basic ${btoa(`${SID}:simulated-twilio-token`)}` };
      const base = `${people.url}/twilio/2010-04-01/Accounts/${SID}`;
      const common = { To: '+15551110001', From: '+15550000000' };
      for (const [path, schema, form] of [
        ['Messages', 'api.v2010.account.message', { ...common, Body: 'x' }],
        ['Calls', 'api.v2010.account.call', { ...common, Url: 'http://127.0.0.1:9/' }],
      ] as const) {
        const body = new URLSearchParams(form);
        const created = await fetch(`${base}/${path}.json`, { method: 'POST', headers, body });
        expect(faults(schema, await created.json())).toEqual([]);
      }
    } finally {
      await people.close();
    }
  });
});

/** What the description's schema says against a body. */
function faults(schema: string, body: unknown): readonly string[] {
  const text = readFileSync(description, 'utf8');
  const document: unknown = JSON.parse(text, (_key, value: unknown) => nullable(value));
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema(document as object, 'twilio');
  ajv.validate({ $ref: `twilio#/components/schemas/${schema}` }, body);
  return (ajv.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`);
}

/** OpenAPI 3.0's `nullable` in the words of JSON Schema. */
function nullable(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('nullable' in value)) return value;
  const { nullable: isNullable, ...rest } = value;
  return isNullable === true ? { anyOf: [rest, { type: 'null' }] } : rest;
}

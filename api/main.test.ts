import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

// The process starts without its database and its engine, stops in order on SIGTERM, and says in one
// sentence why it cannot start.
const script = fileURLToPath(new URL('main.ts', import.meta.url));
const alone = {
  API_PORT: '0',
  API_METRICS_PORT: '0',
  INBOUND_SMTP_PORT: '0',
  DATABASE_URL: 'postgres://a:b@127.0.0.1:1/x',
  DIRECTORY_DATABASE_URL: 'postgres://a:b@127.0.0.1:1/x',
  TEMPORAL_ADDRESS: '127.0.0.1:1',
};

function start(environment: Readonly<Record<string, string>>) {
  const env = { PATH: process.env['PATH'], ...alone, ...environment };
  const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { out: '', error: '' };
  child.stdout.on('data', (chunk: Buffer) => (texts.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (texts.error += chunk.toString()));
  return { child, texts, ended: once(child, 'exit').then(([code]: unknown[]) => code) };
}

describe('the api process', () => {
  it('starts alone, is live and not ready, and ends in order', async () => {
    const { child, texts, ended } = start({});
    while (!texts.out.includes('api is listening')) await once(child.stdout, 'data');
    const url = /"url":"([^"]+)"/.exec(texts.out)?.[1] ?? '';
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    expect((await fetch(`${url}/health/ready`)).status).toBe(503);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(texts.out).toContain('"msg":"stopped"');
  });

  it('names a port that is taken, and the variable to change', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const { texts, ended } = start({ API_PORT: String(port) });
    expect(await ended).toBe(1);
    expect(texts.error.trim()).toBe(
      `Port ${port} is taken. Stop what listens there, or choose another port by API_PORT.`,
    );
    taken.close();
  });

  it('names every variable that is wrong', async () => {
    const { texts, ended } = start({ API_PORT: 'x', PUBLIC_URL: 'nowhere' });
    expect(await ended).toBe(1);
    expect(texts.error).toMatch(/API_PORT[^]*PUBLIC_URL/);
  });
});

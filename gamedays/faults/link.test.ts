// A link without a fault changes nothing; each fault shows as the network would show it, and ends without a trace.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { Link } from './link.ts';

/** Sends back what it gets, after its own ending too. */
function echo(): Server {
  return createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
}

let server: Server;
let link: Link;
const sockets: Socket[] = [];
beforeAll(async () => {
  server = echo().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  link = new Link({ port: 0, targets: [`127.0.0.1:${port}`] });
  await link.start();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await link.set(null);
});
afterAll(async () => {
  await link.stop();
  server.close();
});

function open(): Socket {
  const socket = connect({ port: link.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

/** Everything that comes until the other side ends; the error's code when it is cut. */
function collect(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve) => {
    socket.once('end', () => resolve(Buffer.concat(chunks).toString()));
    socket.once('error', (error) => resolve(String(Reflect.get(error, 'code'))));
  });
}

async function said(text: string): Promise<string> {
  const socket = open();
  const answer = collect(socket);
  socket.end(text);
  return answer;
}

test('without a fault a megabyte comes back whole, and an ended side still hears', async () => {
  const text = 'abcdefgh'.repeat(400_000);
  expect((await said(text)) === text).toBe(true);
});

test('refused: nobody listens, what was connected is cut; afterwards the same port answers', async () => {
  const before = open();
  const cut = collect(before);
  await once(before, 'connect');
  before.write('x');
  await once(before, 'data');
  await link.set({ kind: 'refuse', link: 'l' });
  expect(await cut).toBe('ECONNRESET');
  expect(await said('x')).toBe('ECONNREFUSED');
  await link.set(null);
  expect(await said('x')).toBe('x');
});

test('reset: accepted and cut', async () => {
  await link.set({ kind: 'reset', link: 'l' });
  expect(await said('x')).toBe('ECONNRESET');
});

test('hang: silence while it lasts, and what waited arrives afterwards', async () => {
  await link.set({ kind: 'hang', link: 'l', direction: 'down' });
  const answer = said('late');
  expect(await Promise.race([answer, sleep(150, 'silence')])).toBe('silence');
  await link.set(null);
  expect(await answer).toBe('late');
});

test('latency delays each way, bandwidth by the amount', async () => {
  await link.set({ kind: 'latency', link: 'l', direction: 'both', ms: 60, jitterMs: 0 });
  const startedAt = performance.now();
  expect(await said('x')).toBe('x');
  expect(performance.now() - startedAt).toBeGreaterThan(118);
  await link.set({ kind: 'bandwidth', link: 'l', direction: 'down', bytesPerSec: 10_000 });
  const narrowAt = performance.now();
  expect(await said('y'.repeat(2000))).toHaveLength(2000);
  expect(performance.now() - narrowAt).toBeGreaterThan(195);
});

test('cut: the answer ends in the middle', async () => {
  await link.set({ kind: 'cut', link: 'l', afterBytes: 3 });
  const socket = open();
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.write('abcdef');
  const [error] = (await once(socket, 'error')) as [Error];
  expect([Buffer.concat(chunks).toString().length <= 3, Reflect.get(error, 'code')]).toEqual([
    true,
    'ECONNRESET',
  ]);
});

/** Whether a connection that has carried something is cut while `work` is done. */
async function cutsOpen(work: () => Promise<void>): Promise<boolean> {
  const socket = open();
  const spoke = once(socket, 'data');
  socket.write('x');
  await spoke;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once('close', () => resolve(true));
  socket.once('data', () => resolve(false));
  await work();
  socket.write('y');
  return promise;
}

describe('elsewhere', () => {
  let other: Server;
  let target: string;
  beforeAll(async () => {
    other = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => socket.write('other'));
    }).listen(0, '127.0.0.1');
    await once(other, 'listening');
    target = `127.0.0.1:${(other.address() as AddressInfo).port}`;
  });
  afterAll(() => other.close());

  async function firstSaid(): Promise<string> {
    const socket = open();
    socket.write('x');
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    return bytes.toString();
  }

  test.each([
    ['begin', true, false],
    ['end', false, true],
    ['both', true, true],
  ] as const)('repointed, and back; open connections are cut at %s', async (cut, first, last) => {
    const away = () => link.set({ kind: 'repoint', link: 'l', target, cut });
    expect(await cutsOpen(away)).toBe(first);
    expect(await firstSaid()).toBe('other');
    expect(await cutsOpen(() => link.set(null))).toBe(last);
    expect(await firstSaid()).toBe('x');
  });

  test('led there for good: nothing is cut, and a fault that ends does not lead back', async () => {
    const moving = new Link({ port: 0, targets: ['127.0.0.1:1'] });
    await moving.start();
    moving.lead([target]);
    await moving.set({ kind: 'hang', link: 'l', direction: 'both' });
    await moving.set(null);
    const socket = connect(moving.port, '127.0.0.1');
    sockets.push(socket);
    socket.write('x');
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    expect(bytes.toString()).toBe('other');
    await moving.stop();
  });
});

test('of several targets one that is gone is passed over', async () => {
  const { port } = server.address() as AddressInfo;
  const both = new Link({ port: 0, targets: ['127.0.0.1:1', `127.0.0.1:${port}`] });
  await both.start();
  for (let n = 0; n < 4; n += 1) {
    const socket = connect(both.port, '127.0.0.1');
    sockets.push(socket);
    const answer = collect(socket);
    socket.end(`${n}`);
    expect(await answer).toBe(`${n}`);
  }
  await both.stop();
});

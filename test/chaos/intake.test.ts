// Whatever is killed or stands still under load: what was answered 202 becomes an incident, once, with the events
// of each key in their order, also across two api processes; what cannot be kept is refused in time.
import { afterAll, beforeAll, expect, test } from 'vitest';

import { IntakeWorld, type Action, type Answered } from '../support/intake-world.ts';
import { until } from '../support/until.ts';

const LIFE: readonly Action[] = ['trigger', 'trigger', 'acknowledge', 'resolve'];
const RECOVERY_MS = 60_000;
let world: IntakeWorld;
beforeAll(async () => {
  world = await IntakeWorld.start();
}, 120_000);
afterAll(() => world.close());

const keysOf = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
const slowest = (answers: readonly Answered[]) => Math.max(...answers.map(({ ms }) => ms));
const refused = (answers: readonly Answered[]) => answers.filter(({ status }) => status !== 202);

/** Every key has one incident, which went through its life in the order in which the events were sent. */
async function expectLives(prefix: string, keys: readonly string[]): Promise<void> {
  const resolved = async () =>
    (await world.incidents(`${prefix}-`)).filter(({ status }) => status === 'resolved').length;
  await until(async () => (await resolved()) >= keys.length, RECOVERY_MS);
  expect(await world.spilled()).toBe(0);
  const incidents = await world.incidents(`${prefix}-`);
  expect(incidents.map(({ key }) => key).sort()).toEqual([...keys].sort());
  expect(new Set(incidents.map(({ triggers }) => triggers))).toEqual(new Set([2]));
  for (const { log } of incidents) {
    const acknowledged = log.indexOf('acknowledge_log_entry');
    expect(acknowledged).toBeGreaterThan(log.indexOf('trigger_log_entry'));
    expect(log.indexOf('resolve_log_entry')).toBeGreaterThan(acknowledged);
  }
}

test('Temporal killed under load: all is taken at once, and drained when it is back', async () => {
  const keys = keysOf('killed', 40);
  const before = Promise.all(keys.slice(0, 15).map((key) => world.sendAll(key, LIFE)));
  await world.temporal.kill();
  const after = Promise.all(keys.slice(15).map((key) => world.sendAll(key, LIFE)));
  const answers = (await Promise.all([before, after])).flat(2);
  expect(refused(answers)).toEqual([]);
  expect(await world.spilled()).toBeGreaterThan(100);
  const ready = await fetch(`${world.apis[0].url}/health/ready`);
  expect([ready.status, await ready.json()]).toMatchObject([
    200,
    { status: 'degraded', intake: { breaker: 'open', spill: { usable: true } } },
  ]);
  const quick = await world.sendAll('killed-later', LIFE);
  expect(slowest(quick)).toBeLessThan(1000);
  await world.temporal.restart();
  await expectLives('killed', [...keys, 'killed-later']);
});

test('Temporal stands still: few wait for it, and not for long', async () => {
  world.temporal.hang();
  const keys = keysOf('hung', 30);
  const answers = (await Promise.all(keys.map((key) => world.sendAll(key, LIFE)))).flat();
  expect(refused(answers)).toEqual([]);
  const waited = answers.filter(({ ms }) => ms > 900).length;
  expect(waited).toBeLessThanOrEqual(2 * 8 + 6);
  world.temporal.resume();
  await expectLives('hung', keys);
});

test('the api that drains is killed: the other one goes on, and nothing is done twice', async () => {
  world.temporal.hang();
  const keys = keysOf('drain', 100);
  await Promise.all(keys.map((key) => world.sendAll(key, LIFE)));
  const full = await world.spilled();
  world.temporal.resume();
  await until(async () => (await world.spilled()) < full * 0.8, RECOVERY_MS);
  const drainer = await world.drainer();
  const left = await world.spilled();
  await drainer.kill();
  expect(left).toBeGreaterThan(0);
  await expectLives('drain', keys);
  expect(await world.drainer()).not.toBe(drainer);
  await drainer.start();
});

test('PostgreSQL takes no writes while events wait in it: they are drained, and later ones of their keys are taken', async () => {
  const keys = keysOf('frozen', 6);
  await Promise.all(keys.map((key) => world.sendAll(key, ['trigger'])));
  await world.temporal.kill();
  const waiting: readonly Action[] = ['acknowledge', 'resolve', 'trigger', 'trigger'];
  await Promise.all(keys.map((key) => world.sendAll(key, waiting)));
  await world.postgres.setReadOnly(true);
  await world.temporal.restart();
  await Promise.all(keys.map((key) => world.sendAll(key, ['acknowledge', 'resolve', 'trigger'])));
  await world.postgres.setReadOnly(false);
  const lives = async () =>
    (await world.incidents('frozen-')).map(({ key, status, triggers }) =>
      [key, status, triggers].join(' '),
    );
  const wanted = ['resolved 1', 'resolved 2', 'triggered 1'];
  await expect
    .poll(async () => (await lives()).sort(), { timeout: RECOVERY_MS, interval: 250 })
    .toEqual(keys.flatMap((key) => wanted.map((life) => `${key} ${life}`)));
  await expect.poll(() => world.spilled(), { timeout: 5000 }).toBe(0);
});

test('without PostgreSQL events go to Temporal; without both they are refused, in time', async () => {
  await world.postgres.primary.stop();
  const keys = keysOf('direct', 6);
  const answers = (await Promise.all(keys.map((key) => world.sendAll(key, LIFE)))).flat();
  expect(slowest(answers)).toBeLessThan(5000);
  await world.temporal.kill();
  const doors: readonly (readonly [string, unknown])[] = [
    [
      '/v2/enqueue',
      {
        routing_key: 'd3m0d3m0d3m0d3m0d3m0d3m0d3m0d3m0',
        event_action: 'trigger',
        dedup_key: 'x',
        payload: { summary: 's', source: 's', severity: 'info' },
      },
    ],
    [
      '/integration/d3m0a1e27d3m0a1e27d3m0a1e27d3m0a/alertmanager',
      {
        version: '4',
        alerts: [{ status: 'firing', labels: { alertname: 'A' }, fingerprint: 'f' }],
      },
    ],
  ];
  for (let n = 0; n < 4; n += 1) await world.send(0, `warm-${n}`, 'trigger');
  for (const [door, body] of doors) {
    const { status, retryAfter, text, ms } = await world.apis[0].post(door, body);
    expect([status, Number(retryAfter) > 0, text]).toEqual([
      503,
      true,
      expect.stringContaining('"status"'),
    ]);
    expect(ms).toBeLessThan(1000);
  }
  await Promise.all([world.postgres.primary.start(), world.temporal.restart()]);
  await expectLives('direct', keys);
});

// Last: it leaves more incidents behind than the others would wait for.
test('PostgreSQL takes no writes and Temporal has no place: what was accepted goes before what is not', async () => {
  world.temporal.hang();
  const promised = keysOf('promised', 40);
  const answers = await Promise.all(promised.map((key) => world.send(0, key, 'trigger')));
  expect(refused(answers)).toEqual([]);
  await world.postgres.setReadOnly(true);
  const crowd = { isThere: true, sent: 0 };
  const press = async () => {
    while (crowd.isThere) {
      crowd.sent += 1;
      await world.sendAll(`crowd-${crowd.sent}`, ['trigger']);
    }
  };
  const pressing = Promise.all(Array.from({ length: 150 }, press));
  world.temporal.resume();
  try {
    await until(async () => (await world.started(promised)) === promised.length, 30_000);
  } finally {
    crowd.isThere = false;
    await pressing;
    await world.postgres.setReadOnly(false);
  }
  await until(async () => (await world.spilled()) === 0, RECOVERY_MS);
  expect(await world.started(promised)).toBe(promised.length);
});

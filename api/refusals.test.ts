// Refusals are written once each; beyond its bound an account's are counted, and those of nobody always are; while
// PostgreSQL is away they wait, a bounded number of them, and are written when it is back.
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';

import type { NewAuditRecord } from '../db/audit-records.ts';
import type { Database } from '../db/database.ts';
import { createRefusalLog, type RefusalLog } from './refusals.ts';

let away = false;
let nowMs = Date.parse('2026-11-24T10:00:00.000Z');
const written: { accountId: string; records: readonly NewAuditRecord[] }[] = [];
const database: Pick<Database, 'inAccount'> = {
  inAccount: async (accountId, work) => {
    if (away) throw new Error('Connection terminated');
    const insert = (records: readonly NewAuditRecord[]) => {
      written.push({ accountId, records });
      return { onConflict: () => ({ ignore: () => Promise.resolve() }) };
    };
    return await work((() => ({ insert })) as unknown as Parameters<typeof work>[0]);
  },
};
const record = (id: string, operation = 'createTeam'): NewAuditRecord => ({
  ...{ id, operation, actor_type: 'user', actor_id: 'PUSER', action: 'create' },
  ...{ outcome: 'refused', source: 'public', reason: '403 Access Denied' },
});
const all = (accountId: string) =>
  written.filter((one) => one.accountId === accountId).flatMap(({ records }) => records);

let log: RefusalLog;
const open = () => {
  written.length = 0;
  away = false;
  log = createRefusalLog({
    database,
    logger: pino({ level: 'silent' }),
    now: () => new Date(nowMs),
  });
  return log;
};
afterEach(async () => {
  away = false;
  await log.close();
  vi.useRealTimers();
});

describe('refusals', () => {
  it('are written a moment later, in order, with the instant of the refusal', async () => {
    open();
    for (const id of ['A1', 'A2', 'A3']) log.add('PACC', record(id));
    await vi.waitFor(() => expect(all('PACC')).toHaveLength(3));
    expect(all('PACC').map(({ id }) => id)).toEqual(['A1', 'A2', 'A3']);
    expect(all('PACC')[0]?.occurred_at).toBe('2026-11-24T10:00:00.000Z');
  });

  it('of one account are counted beyond its bound, and none is lost from the count', async () => {
    open();
    for (let n = 0; n < 1000; n += 1) log.add('PACC', record(`A${n}`, `op${n % 100}`));
    log.add('POTHER', record('B'));
    await log.flush();
    const records = all('PACC');
    const summary = records.at(-1);
    expect(records).toHaveLength(301);
    expect(summary).toMatchObject({ operation: 'refused', outcome: 'refused' });
    expect(summary?.reason).toMatch(/^700 refused attempts/);
    const { counts } = JSON.parse(summary?.changes ?? '') as { counts: Record<string, number> };
    expect(Object.keys(counts).length).toBeLessThanOrEqual(51);
    expect(Object.values(counts).reduce((sum, one) => sum + one, 0)).toBe(700);
    expect(all('POTHER')).toHaveLength(1);
  });

  it('of one account get new room with time', async () => {
    open();
    for (let n = 0; n < 400; n += 1) log.add('PACC', record(`A${n}`));
    nowMs += 10_000;
    for (let n = 0; n < 20; n += 1) log.add('PACC', record(`B${n}`));
    await log.flush();
    expect(all('PACC').filter(({ id }) => id.startsWith('B')).length).toBe(10);
  });

  it('by nobody known are one record, however many', async () => {
    open();
    for (let n = 0; n < 50_000; n += 1) log.addUnknown('unknown key', 'public');
    log.addUnknown('no key', 'private');
    await log.flush();
    expect(all('system')).toHaveLength(1);
    const counts = { 'unknown key from public': 50_000, 'no key from private': 1 };
    expect(JSON.parse(all('system')[0]?.changes ?? '')).toEqual({ counts });
  });

  it('wait while PostgreSQL is away, at most 1,000 of them', async () => {
    open();
    away = true;
    for (let n = 0; n < 10; n += 1) {
      for (let i = 0; i < 200; i += 1) log.add(`P${n}`, record(`A${n}-${i}`));
    }
    await log.flush();
    expect(written).toEqual([]);
    away = false;
    await log.flush();
    const records = written.flatMap((one) => one.records);
    expect(records.filter(({ operation }) => operation === 'createTeam')).toHaveLength(1000);
    expect(records.filter(({ operation }) => operation === 'refused').length).toBeGreaterThan(0);
  });
});

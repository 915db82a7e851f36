// The directory's copy on disk is whole, private and of its own database, or it is refused in one line; nothing
// that happens to the file makes a process fail.
import {
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import fc from 'fast-check';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { AccountConfig } from '../domain/model.ts';
import { sampleAccount } from '../test/support/memory-directory.ts';
import { DirectoryCopy, type DirectoryCopyOptions } from './directory-copy.ts';

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly reason?: string;
}

const HOUR_MS = 3_600_000;
const URL_A = 'postgres://pdlite_directory:one@db-a:5432/pdlite';
let folder: string;
let file: string;
let lines: Line[];
const logger = pino(
  { level: 'info' },
  { write: (line) => void lines.push(JSON.parse(line) as Line) },
);

beforeEach(async () => {
  folder = path.join(await mkdtemp(path.join(tmpdir(), 'pdlite-copy-')), 'directory');
  file = path.join(folder, 'directory-api.copy');
  lines = [];
});
afterEach(() => rm(path.dirname(folder), { recursive: true, force: true }));

function account(id: string, name = 'Example'): AccountConfig {
  const sample = sampleAccount();
  return { ...sample, account: { ...sample.account, id, name } };
}

interface Given extends Partial<DirectoryCopyOptions> {
  readonly url?: string;
}

function copyOf(accounts: readonly AccountConfig[], given: Given = {}): DirectoryCopy {
  const { url = URL_A, ...options } = given;
  return new DirectoryCopy(
    {
      folder,
      role: 'api',
      secret: 'a secret of at least 32 characters',
      maxAgeMs: 24 * HOUR_MS,
      ...options,
    },
    { url, logger, accounts: () => accounts },
  );
}

async function save(accounts: readonly AccountConfig[], given?: Given): Promise<void> {
  const copy = copyOf(accounts, given);
  copy.noteProof({ changed: true });
  await copy.close();
}

async function refusal(given?: Given): Promise<string | undefined> {
  lines = [];
  expect(await copyOf([], given).load()).toBeNull();
  expect(lines).toHaveLength(1);
  return lines[0]?.reason;
}

describe('a copy', () => {
  it('gives back every account as it was', async () => {
    const accounts = [account('A'), account('B', 'Ärger & Söhne \u{1F525}')];
    await save(accounts);
    const loaded = await copyOf([]).load();
    expect(loaded?.accounts).toEqual(accounts);
    expect(loaded?.ageMs).toBeLessThan(5000);
  });

  it('is private and tells nothing', async () => {
    await save([account('A', 'planted-canary')]);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    const text = await readFile(file, 'latin1');
    expect(text).not.toContain('planted-canary');
    expect(text.split('\n')[0]).toContain('"version":1,"sequence":1');
  });

  it('grows by one with each save, and leaves nothing half', async () => {
    await save([account('A')]);
    await writeFile(`${file}.99999999.new`, 'left by a process that was killed');
    await save([account('B')]);
    expect((await readFile(file, 'latin1')).split('\n')[0]).toContain('"sequence":2');
    expect(await readdir(folder)).toEqual(['directory-api.copy']);
  });

  it('is one for each role, and another for each database', async () => {
    await save([account('A')]);
    await save([account('B')], { role: 'worker' });
    expect((await copyOf([]).load())?.accounts[0]?.account.id).toBe('A');
    expect(await refusal({ url: 'postgres://x:y@db-b:5432/pdlite' })).toBe(
      'it is of another database',
    );
    const otherPassword = URL_A.replace('one', 'two');
    expect(await copyOf([], { url: otherPassword }).load()).not.toBeNull();
  });

  it('stays young as long as it is proven current', async () => {
    await save([account('A')]);
    const old = Date.now() / 1000 - 3600;
    await utimes(file, old, old);
    const copy = copyOf([account('A')]);
    await copy.load();
    expect(copy.ageMs()).toBeGreaterThan(HOUR_MS - 1000);
    copy.noteProof({ changed: false });
    await expect.poll(() => copy.ageMs()).toBeLessThan(5000);
    expect(Date.now() - (await stat(file)).mtimeMs).toBeLessThan(5000);
    const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 6 * HOUR_MS);
    expect(copy.ageMs()).toBeLessThan(5000);
    clock.mockRestore();
    await copy.close();
  });

  it('that cannot be written is told once, and does not fail', async () => {
    await writeFile(folder, 'a file where the folder should be');
    const copy = copyOf([account('A')]);
    copy.noteProof({ changed: true });
    await copy.close();
    await copy.close();
    expect(lines.map(({ msg }) => msg)).toEqual(['the directory’s copy cannot be written']);
  });
});

describe('a copy is refused', () => {
  it('when there is none, or it is too old', async () => {
    expect(await refusal()).toBe('there is none');
    await save([account('A')]);
    const old = Date.now() / 1000 - 25 * 3600;
    await utimes(file, old, old);
    expect(await refusal()).toBe('it is 25.0 hours old');
    expect(await copyOf([], { maxAgeMs: 26 * HOUR_MS }).load()).not.toBeNull();
  });

  it('with another secret', async () => {
    await save([account('A')]);
    const reason = await refusal({ secret: 'another secret of at least 32 chars' });
    expect(reason).toBe('it is damaged, or was made with another LINK_SECRET');
  });

  it('when it has another version, or holds what this release does not know', async () => {
    await save([account('A')]);
    const bytes = await readFile(file, 'latin1');
    await writeFile(file, bytes.replace('"version":1', '"version":2'), 'latin1');
    expect(await refusal()).toBe('it has version 2');
    await save([{ account: { id: 'A' } } as AccountConfig]);
    expect(await refusal()).toBe('it is of another release');
  });

  it('wherever it is cut', async () => {
    await save([account('A'), account('B')]);
    const { size } = await stat(file);
    for (const keep of [0, 1, 100, 200, 230, Math.floor(size / 2), size - 1]) {
      await save([account('A'), account('B')]);
      await truncate(file, keep);
      expect(await refusal()).toMatch(/not a copy|ends early/);
    }
    await save([account('A')]);
    await writeFile(file, 'more', { flag: 'a' });
    expect(await refusal()).toBe('it goes on after its end');
  });

  it('whichever byte is changed', async () => {
    await save([account('A'), account('B')]);
    const whole = await readFile(file);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(whole.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, by) => {
          const bytes = Buffer.from(whole);
          bytes[at] = (bytes[at] ?? 0) ^ by;
          await writeFile(file, bytes);
          await refusal();
        },
      ),
      { numRuns: 200 },
    );
  });

  it('but accounts that can be read are used, though another cannot', async () => {
    await save([account('A'), { account: { id: 'B' } } as AccountConfig]);
    expect((await copyOf([]).load())?.accounts.map(({ account: { id } }) => id)).toEqual(['A']);
    expect(lines.map(({ level }) => level)).toEqual([50, 40]);
  });
});

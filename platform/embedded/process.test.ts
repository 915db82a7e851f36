import { expect, test } from 'vitest';

import { freePort, isPortFree } from './process.ts';

test('a free port is none that an outgoing connection may get meanwhile', async () => {
  for (let n = 0; n < 50; n += 1) {
    const port = await freePort();
    // Linux begins at 32768, others at 49152.
    expect(port).toBeLessThan(32_768);
    expect(await isPortFree(port)).toBe(true);
  }
});

import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { z } from 'zod';

const stateSchema = z.object({
  /** The rebuild covers what ended from here on. */
  from: z.iso.datetime(),
  /** Everything that ended before is done. */
  doneUntil: z.iso.datetime(),
  runs: z.number(),
  entries: z.number(),
  refused: z.number(),
});

/** How far a rebuild has come. */
export type RebuildState = Readonly<z.infer<typeof stateSchema>>;

/** Keeps how far a rebuild has come, so that one that was interrupted goes on where it stopped. */
export interface RebuildProgress {
  load(): Promise<RebuildState | null>;
  save(state: RebuildState): Promise<void>;
  clear(): Promise<void>;
}

/** In a file of its own for what `parts` name (database, namespace, account). A damaged one counts as none. */
export function progressFile(folder: string, parts: readonly string[]): RebuildProgress {
  const key = createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12);
  const file = path.join(folder, `rebuild-${key}.json`);
  return {
    load: async () => {
      const text = await readFile(file, 'utf8').catch(() => '');
      return stateSchema.safeParse(parse(text)).data ?? null;
    },
    save: async (state) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(`${file}.new`, JSON.stringify(state), { mode: 0o600 });
      await rename(`${file}.new`, file);
    },
    clear: () => rm(file, { force: true }),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

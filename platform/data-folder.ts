import path from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Config } from './config.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Absolute path of a folder within `DATA_DIR`, which is taken from the project's folder. Makes nothing. */
export function dataFolder(config: Pick<Config, 'DATA_DIR'>, ...names: readonly string[]): string {
  return path.resolve(root, config.DATA_DIR, ...names);
}

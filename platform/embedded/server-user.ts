import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import { StartError } from './settings.ts';

const run = promisify(execFile);
const NAME = 'postgres';

interface Ids {
  readonly uid: number;
  readonly gid: number;
}

/** As whom, and how, PostgreSQL is run: it refuses to run as root. */
export interface ServerUser {
  /** Who must own the data; null: whoever runs this process. */
  readonly owner: Ids | null;
  /** For `spawn`: empty when `command` changes the user itself. */
  readonly spawn: Partial<Ids>;
  command(file: string, args: readonly string[]): [string, string[]];
}

/**
 * As root, the user `postgres`, which is made when missing. Where that user cannot enter the folders (a clone
 * under /root, a private temporary folder) it is given the one capability that lets it.
 * @throws StartError when neither works.
 */
export async function serverUser(dataDir: string, executable: string): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return { owner: null, spawn: {}, command: plain };
  const ids = (await lookUp()) ?? (await makeUser());
  const places = [executable, nearestExisting(path.dirname(dataDir))];
  if (await canEnter(places, ids)) return { owner: ids, spawn: ids, command: plain };
  const prefix = [
    ...[`--reuid=${ids.uid}`, `--regid=${ids.gid}`, '--clear-groups'],
    ...['--inh-caps=+dac_override', '--ambient-caps=+dac_override'],
  ];
  try {
    await run('setpriv', [...prefix, 'test', '-x', executable]);
  } catch (error) {
    throw new StartError(
      `PostgreSQL does not run as root, and the user ${NAME} cannot enter ${places.join(' or ')}. Run as another user, or clone into a folder that everybody may enter.`,
      { cause: error },
    );
  }
  return {
    owner: ids,
    spawn: {},
    command: (file, args) => ['setpriv', [...prefix, file, ...args]],
  };
}

function plain(file: string, args: readonly string[]): [string, string[]] {
  return [file, [...args]];
}

async function lookUp(): Promise<Ids | null> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', NAME]), run('id', ['-g', NAME])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return null;
  }
}

async function makeUser(): Promise<Ids> {
  try {
    await run('useradd', ['--system', '--user-group', '--no-create-home', NAME]);
  } catch (error) {
    throw new StartError(
      `PostgreSQL does not run as root, and a user ${NAME} could not be made. Make one, or run as another user.`,
      { cause: error },
    );
  }
  const ids = await lookUp();
  if (ids === null) throw new StartError(`The user ${NAME} was made but is not found.`);
  return ids;
}

function nearestExisting(folder: string): string {
  return existsSync(folder) ? folder : nearestExisting(path.dirname(folder));
}

async function canEnter(places: readonly string[], ids: Ids): Promise<boolean> {
  try {
    for (const place of places) await run('test', ['-x', place], { ...ids, cwd: '/' });
    return true;
  } catch {
    return false;
  }
}

import { mkdir, open, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { z } from 'zod';

import { headHash, type SignedHead } from '../domain/audit/heads.ts';
import type { Frontier } from '../domain/audit/merkle.ts';
import { NO_HASH } from '../domain/audit/record.ts';
import { sha256 } from '../platform/audit-key.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const size = z.int().min(0);
const headSchema = z.object({
  version: z.literal(1),
  n: size.min(1),
  account: z.string(),
  size,
  root: hash,
  hash,
  time: z.iso.datetime(),
  prev: hash,
  key: z.string(),
  consistency: z.array(hash).max(128),
  signature: z.string(),
});
const stateSchema = z.object({
  /** Of the last head. */
  n: size,
  headHash: hash,
  /** Length of the heads' file that this belongs to, and how much of it was published. */
  bytes: size,
  published: size,
  accounts: z.record(
    z.string(),
    z.object({ size, hashes: z.array(hash).max(64), hash, root: hash }),
  ),
});

/** How far an account is signed, and what is needed to go on. */
export interface SignedAccount extends Frontier {
  /** Of the last record. */
  readonly hash: string;
  readonly root: string;
}

type State = z.infer<typeof stateSchema>;

/** One line of a heads' file, or undefined when it is none. */
export function parseHead(line: string): SignedHead | undefined {
  try {
    return headSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/**
 * The file of signed heads: one JSON line each, only ever appended, and beside it (`*.state`) what the signer needs to
 * go on, which proves nothing and can be made anew. A file that was moved away is begun again where it ended.
 */
export class HeadsFile {
  readonly #file: string;
  #state: State;

  private constructor(file: string, state: State) {
    this.#file = file;
    this.#state = state;
  }

  /**
   * Answers besides the heads of accounts whose frontier is not known, because the state is missing or behind: the
   * caller has to make it from the records.
   * @throws Error when a line is no head.
   */
  static async open(file: string): Promise<{ heads: HeadsFile; lost: readonly SignedHead[] }> {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    const lines = await readWholeLines(file);
    const state = await readState(`${file}.state`);
    const bytes = Buffer.byteLength(lines);
    if (state && bytes <= state.bytes) {
      const moved = bytes < state.bytes;
      const kept = moved ? { ...state, bytes, published: Math.min(bytes, state.published) } : state;
      return { heads: new HeadsFile(file, kept), lost: [] };
    }
    return HeadsFile.#recover(file, lines, state);
  }

  /** From the heads alone: whoever appended died before it wrote the state, or the state is gone. */
  static #recover(file: string, lines: string, state: State | undefined) {
    const heads = headsIn(file, lines);
    const last = heads.at(-1);
    const newest = new Map(heads.map((head) => [head.account, head]));
    const known = state?.accounts ?? {};
    const lost = [...newest.values()].filter(
      ({ account, root, hash }) => known[account]?.root !== root || known[account].hash !== hash,
    );
    const opened = new HeadsFile(file, {
      n: last?.n ?? 0,
      headHash: last ? headHash(sha256, last) : NO_HASH,
      bytes: Buffer.byteLength(lines),
      published: state?.published ?? 0,
      accounts: known,
    });
    return { heads: opened, lost };
  }

  get last(): { readonly n: number; readonly headHash: string } {
    return this.#state;
  }

  account(id: string): SignedAccount {
    const none = { size: 0, hashes: [], hash: NO_HASH, root: '' };
    return this.#state.accounts[id] ?? none;
  }

  accountIds(): readonly string[] {
    return Object.keys(this.#state.accounts);
  }

  /** What was found out about an account whose frontier was lost. */
  restore(id: string, account: SignedAccount): void {
    this.#state.accounts[id] = { ...account, hashes: [...account.hashes] };
  }

  /** Keeps a head, on disk when it returns. `headHash` is what the next one names. */
  async append(head: SignedHead, account: SignedAccount, headHash: string): Promise<void> {
    const line = `${JSON.stringify(head)}\n`;
    const handle = await open(this.#file, 'a', 0o600);
    try {
      await handle.write(line);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    this.restore(head.account, account);
    const bytes = this.#state.bytes + Buffer.byteLength(line);
    this.#state = { ...this.#state, n: head.n, headHash, bytes };
    await this.save();
  }

  /** Lines that were not published yet, at most `max` characters of them, and how to say that they were. */
  async unpublished(max: number): Promise<{ lines: string; done: () => Promise<void> } | null> {
    const { published, bytes } = this.#state;
    if (published >= bytes) return null;
    const rest = await readFrom(this.#file, published, Math.min(bytes - published, max));
    const lines = rest.subarray(0, rest.lastIndexOf(0x0a) + 1).toString();
    const done = async () => {
      this.#state = { ...this.#state, published: published + Buffer.byteLength(lines) };
      await this.save();
    };
    return { lines, done };
  }

  async save(): Promise<void> {
    const next = `${this.#file}.state.next`;
    await writeFile(next, JSON.stringify(this.#state), { mode: 0o600 });
    await rename(next, `${this.#file}.state`);
  }
}

function headsIn(file: string, lines: string): readonly SignedHead[] {
  return lines
    .split('\n')
    .slice(0, -1)
    .map((line, index) => {
      const head = parseHead(line);
      if (!head) throw new Error(`Line ${index + 1} of ${file} is no signed head.`);
      return head;
    });
}

/** The file's text up to its last whole line; what a dying writer left behind that is cut off. */
async function readWholeLines(file: string): Promise<string> {
  const text = await readText(file);
  if (text === null) return '';
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole !== text) await truncate(file, Buffer.byteLength(whole));
  return whole;
}

async function readState(file: string): Promise<State | undefined> {
  try {
    return stateSchema.safeParse(JSON.parse((await readText(file)) ?? '')).data;
  } catch {
    return undefined;
  }
}

async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

async function readFrom(file: string, position: number, length: number): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(length), position });
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

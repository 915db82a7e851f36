import { fromHex, toHex, type Sha256 } from './record.ts';

/**
 * The right edge of an RFC 9162 Merkle tree: its complete subtrees, largest first. It is all that is needed to go
 * on, some 40 hashes for a trillion leaves.
 */
export interface Frontier {
  readonly size: number;
  /** Hashes in hex; how many leaves each covers follows from the size's bits. */
  readonly hashes: readonly string[];
}

export const EMPTY_FRONTIER: Frontier = { size: 0, hashes: [] };

/** A tree that grows by one leaf hash at a time. */
export class MerkleTree {
  readonly #sha256: Sha256;
  readonly #hashes: Uint8Array[];
  readonly #pair = new Uint8Array(65);
  #size: number;

  constructor(sha256: Sha256, { size, hashes }: Frontier = EMPTY_FRONTIER) {
    this.#sha256 = sha256;
    this.#hashes = hashes.map(fromHex);
    this.#size = size;
    this.#pair[0] = 0x01;
  }

  get size(): number {
    return this.#size;
  }

  /** `leaf` is a leaf's hash, as the hash of a record is. */
  add(leaf: Uint8Array): void {
    let hash = leaf;
    for (let rest = this.#size; rest & 1; rest = Math.floor(rest / 2)) {
      const left = this.#hashes.pop();
      if (left) hash = this.#node(left, hash);
    }
    this.#hashes.push(hash);
    this.#size += 1;
  }

  /** In hex; of an empty tree the hash of nothing. */
  root(): string {
    const last = this.#hashes.at(-1);
    if (!last) return toHex(this.#sha256(new Uint8Array(0)));
    const others = this.#hashes.slice(0, -1);
    return toHex(others.reduceRight((right, left) => this.#node(left, right), last));
  }

  frontier(): Frontier {
    return { size: this.#size, hashes: this.#hashes.map(toHex) };
  }

  #node(left: Uint8Array, right: Uint8Array): Uint8Array {
    this.#pair.set(left, 1);
    this.#pair.set(right, 33);
    return this.#sha256(this.#pair);
  }
}

/** The root, in hex, of a tree of these leaf hashes. */
function rootOf(sha256: Sha256, leaves: readonly Uint8Array[]): string {
  const tree = new MerkleTree(sha256);
  for (const leaf of leaves) tree.add(leaf);
  return tree.root();
}

/**
 * RFC 9162, 2.1.4.1: proves that the tree with the `added` leaf hashes contains the tree that ended at `frontier`,
 * to somebody who has only the two roots. Empty when nothing was added, or there was nothing before.
 */
export function consistencyProof(
  sha256: Sha256,
  frontier: Frontier,
  added: readonly Uint8Array[],
): readonly string[] {
  const { size: oldSize, hashes } = frontier;
  const newSize = oldSize + added.length;
  if (oldSize === 0 || added.length === 0) return [];
  const newRange = (from: number, to: number) =>
    rootOf(sha256, added.slice(from - oldSize, to - oldSize));
  const proof: string[] = [];
  let [start, end, taken] = [0, newSize, 0];
  // Down the tree to where the old one ends; what is left or right of the way is the proof.
  while (end !== oldSize) {
    const middle = start + largestPowerBelow(end - start);
    if (oldSize <= middle) {
      proof.unshift(newRange(middle, end));
      end = middle;
    } else {
      proof.unshift(hashes[taken] ?? '');
      taken += 1;
      start = middle;
    }
  }
  // The old tree itself is known to whoever verifies; a part of it is not.
  return start === 0 ? proof : [hashes[taken] ?? '', ...proof];
}

/** A tree as a head tells it; the root in hex. */
interface Root {
  readonly size: number;
  readonly root: string;
}

/** RFC 9162, 2.1.4.2: whether the proof leads from the one root to the other. */
export function isConsistent(
  sha256: Sha256,
  before: Root,
  after: Root,
  proof: readonly string[],
): boolean {
  if (before.size > after.size) return false;
  if (before.size === after.size) return before.root === after.root && proof.length === 0;
  if (before.size === 0) return proof.length === 0;
  const path = isPowerOfTwo(before.size) ? [before.root, ...proof] : proof;
  const found = climb(sha256, [before.size, after.size], path);
  return found !== null && found.before === before.root && found.after === after.root;
}

/** The two roots to which the path leads; null when it is too long or too short for trees of these sizes. */
function climb(
  sha256: Sha256,
  [oldSize, newSize]: readonly [number, number],
  [first, ...rest]: readonly string[],
): { readonly before: string; readonly after: string } | null {
  if (first === undefined) return null;
  let [fn, sn] = [oldSize - 1, newSize - 1];
  const up = () => ([fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)]);
  while (fn % 2 === 1) up();
  let [before, after] = [first, first];
  for (const hash of rest) {
    if (sn === 0) return null;
    if (fn % 2 === 1 || fn === sn) {
      before = node(sha256, hash, before);
      after = node(sha256, hash, after);
      while (fn % 2 === 0 && fn !== 0) up();
    } else after = node(sha256, after, hash);
    up();
  }
  return sn === 0 ? { before, after } : null;
}

function node(sha256: Sha256, left: string, right: string): string {
  const bytes = new Uint8Array(65);
  bytes[0] = 0x01;
  bytes.set(fromHex(left).subarray(0, 32), 1);
  bytes.set(fromHex(right).subarray(0, 32), 33);
  return toHex(sha256(bytes));
}

/** The largest power of two smaller than `size`, which is at least 2. */
function largestPowerBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

function isPowerOfTwo(size: number): boolean {
  let rest = size;
  while (rest > 1 && rest % 2 === 0) rest /= 2;
  return rest === 1;
}

// A frontier grows into the same root as the tree of all leaves; a consistency proof convinces exactly of what
// is true; the vectors are RFC 6962's own.
import { createHash } from 'node:crypto';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { consistencyProof, EMPTY_FRONTIER, isConsistent, MerkleTree } from './merkle.ts';
import { fromHex } from './record.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
const leaf = (data: string) => sha256(Buffer.concat([Buffer.from([0]), Buffer.from(data, 'hex')]));
const treeOf = (leaves: readonly Uint8Array[]) => {
  const tree = new MerkleTree(sha256);
  for (const one of leaves) tree.add(one);
  return tree;
};
const many = (count: number) =>
  Array.from({ length: count }, (_, n) => leaf(`0${n % 10}`.repeat(n + 1)));

describe('the tree', () => {
  // The inputs and roots of Certificate Transparency's reference implementations.
  const inputs = [
    '',
    '00',
    '10',
    '2021',
    '3031',
    '40414243',
    '5051525354555657',
    '606162636465666768696a6b6c6d6e6f',
  ];
  const roots = [
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ];

  it('has the roots of the reference', () => {
    const tree = new MerkleTree(sha256);
    expect(tree.root()).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    for (const [place, input] of inputs.entries()) {
      tree.add(leaf(input));
      expect(tree.root()).toBe(roots[place]);
    }
  });

  it('goes on from a frontier as if it had never stopped', () => {
    fc.assert(
      fc.property(fc.nat(70), fc.nat(70), (first, second) => {
        const all = many(first + second);
        const stopped = treeOf(all.slice(0, first)).frontier();
        const resumed = new MerkleTree(sha256, stopped);
        for (const one of all.slice(first)) resumed.add(one);
        expect(resumed.frontier()).toEqual(treeOf(all).frontier());
      }),
    );
  });
});

describe('a consistency proof', () => {
  const headOf = (leaves: readonly Uint8Array[]) => ({
    size: leaves.length,
    root: treeOf(leaves).root(),
  });

  it('convinces for every pair of sizes', () => {
    const all = many(40);
    for (let size = 0; size <= all.length; size += 1) {
      for (let old = 0; old <= size; old += 1) {
        const frontier = old === 0 ? EMPTY_FRONTIER : treeOf(all.slice(0, old)).frontier();
        const proof = consistencyProof(sha256, frontier, all.slice(old, size));
        const [before, after] = [headOf(all.slice(0, old)), headOf(all.slice(0, size))];
        expect(isConsistent(sha256, before, after, proof), `${old} → ${size}`).toBe(true);
      }
    }
  });

  it('convinces of nothing else', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.nat(),
        (old, added, chance) => {
          const all = many(old + added);
          const other = all.with(chance % old, leaf('ff'));
          const proof = consistencyProof(
            sha256,
            treeOf(all.slice(0, old)).frontier(),
            all.slice(old),
          );
          const after = headOf(all);
          expect(isConsistent(sha256, headOf(other.slice(0, old)), after, proof)).toBe(false);
          expect(isConsistent(sha256, headOf(all.slice(0, old)), headOf(other), proof)).toBe(false);
          const longer = [...proof, proof[0] ?? after.root];
          expect(isConsistent(sha256, headOf(all.slice(0, old)), after, longer)).toBe(false);
          const spoilt = proof.map((hash, place) =>
            place === chance % proof.length ? flip(hash) : hash,
          );
          expect(isConsistent(sha256, headOf(all.slice(0, old)), after, spoilt)).toBe(false);
        },
      ),
    );
  });
});

function flip(hash: string): string {
  const bytes = fromHex(hash);
  bytes[7] = (bytes[7] ?? 0) ^ 1;
  return Buffer.from(bytes).toString('hex');
}

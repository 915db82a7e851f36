import { createHash, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';

import { canonicalHead, headHash, type SignedHead } from '../../domain/audit/heads.ts';
import { consistencyProof, EMPTY_FRONTIER, MerkleTree } from '../../domain/audit/merkle.ts';
import {
  canonicalRecord,
  CanonicalWriter,
  NO_HASH,
  type AuditRecord,
} from '../../domain/audit/record.ts';

export const sha256 = (bytes: Uint8Array): Uint8Array =>
  createHash('sha256').update(bytes).digest();

/** The record with the hash that its content and `prev_hash` make. */
export function rehash(record: AuditRecord): AuditRecord {
  const hash = sha256(canonicalRecord(new CanonicalWriter(), record));
  return { ...record, hash: Buffer.from(hash).toString('hex') };
}

/** A well-made chain of these records' contents: places, links and hashes are made anew. */
export function chained(records: readonly AuditRecord[]): AuditRecord[] {
  let prev_hash = NO_HASH;
  return records.map((record, place) => {
    const made = rehash({ ...record, seq: place + 1, prev_hash });
    prev_hash = made.hash;
    return made;
  });
}

/** Records of two producers in turn, and configuration between them; one a second. */
export function sampleChain(count: number, account = 'PACC'): AuditRecord[] {
  return chained(Array.from({ length: count }, (_, place) => sampleRecord(account, place)));
}

function sampleRecord(account_id: string, place: number): AuditRecord {
  const at = new Date(Date.parse('2026-11-24T10:00:00.000Z') + place * 1000).toISOString();
  const producer = ['QA', 'QB', null][place % 3] ?? null;
  return {
    ...{
      version: 1,
      account_id,
      seq: place + 1,
      id: `L${place}`,
      occurred_at: at,
      recorded_at: at,
    },
    ...{ actor_type: 'user', actor_id: `PUSER${place % 5}`, on_behalf_of: null, grant_id: null },
    ...{ credential_id: null, action: 'update', operation: 'assign_log_entry' },
    ...{ object_type: 'incidents', object_id: 'QA', root_type: 'incidents', root_id: 'QA' },
    ...{ outcome: 'success', reason: `Größe «${place}»`, before_digest: null, changes: null },
    ...{ after_digest: 'ab'.repeat(32), source: 'sms', request_id: null, trace_id: null },
    ...{ workflow_id: 'incident/x', run_id: '', producer },
    producer_seq: producer === null ? null : Math.floor(place / 3) + 1,
    ...{ prev_hash: NO_HASH, hash: NO_HASH },
  };
}

export interface Signer {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly id: string;
}

export function newSigner(): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return { privateKey, publicKey, id: createHash('sha256').update(der).digest('hex').slice(0, 16) };
}

/** Signed heads of the account's records at these sizes, a second after the last record of each. */
export function headsOf(
  records: readonly AuditRecord[],
  sizes: readonly number[],
  signer: Signer,
): SignedHead[] {
  const leaves = records.map(({ hash }) => Buffer.from(hash, 'hex'));
  const heads: SignedHead[] = [];
  let frontier = EMPTY_FRONTIER;
  for (const size of sizes) {
    const added = leaves.slice(frontier.size, size);
    const tree = new MerkleTree(sha256, frontier);
    for (const leaf of added) tree.add(leaf);
    const [before, last] = [heads.at(-1), records[size - 1]];
    const head = {
      ...{ version: 1, n: heads.length + 1, account: last?.account_id ?? '', size },
      ...{ root: tree.root(), hash: last?.hash ?? NO_HASH, key: signer.id },
      time: new Date(Date.parse(last?.recorded_at ?? '') + 1000).toISOString(),
      prev: before ? headHash(sha256, before) : NO_HASH,
    };
    const signature = sign(null, canonicalHead(head), signer.privateKey).toString('base64');
    heads.push({ ...head, consistency: consistencyProof(sha256, frontier, added), signature });
    frontier = tree.frontier();
  }
  return heads;
}

export function checkSignature({ id, publicKey }: Signer) {
  return (key: string, signed: Uint8Array, signature: string) =>
    key === id && verify(null, signed, publicKey, Buffer.from(signature, 'base64'));
}

import { isConsistent } from './merkle.ts';
import { CanonicalWriter, NO_HASH, toHex, type Sha256 } from './record.ts';
import { TIME_TOLERANCE_MS, type Finding } from './findings.ts';

/** What is signed and kept outside the database: one account's log as it was at one instant. */
export interface Head {
  readonly version: number;
  /** Place in the chain of all heads of this installation, gapless. */
  readonly n: number;
  readonly account: string;
  /** Records, and the root of the RFC 9162 tree of their hashes. */
  readonly size: number;
  readonly root: string;
  /** Of record number `size`. */
  readonly hash: string;
  readonly time: string;
  /** SHA-256 of what was signed in the head before, of whichever account. */
  readonly prev: string;
  /** First 16 hex digits of the SHA-256 of the public key. */
  readonly key: string;
}

/** One line of the heads' file. */
export interface SignedHead extends Head {
  /** Proves to somebody without the records that this tree contains that of the account's head before. */
  readonly consistency: readonly string[];
  /** Ed25519, base64. */
  readonly signature: string;
}

/** Whether the key with this id made the signature. */
export type VerifySignature = (key: string, signed: Uint8Array, signature: string) => boolean;

const SIGNED_HEAD = 0x02;

/** What is signed: 0x02 and the fields, each with its length. */
export function canonicalHead(head: Head): Uint8Array {
  const writer = new CanonicalWriter().start(SIGNED_HEAD);
  const { version, n, account, size, root, hash, time, prev, key } = head;
  for (const value of [version, n, account, size, root, hash, time, prev, key]) writer.field(value);
  return writer.bytes().slice();
}

/** What the next head names as `prev`. */
export function headHash(sha256: Sha256, head: Head): string {
  return toHex(sha256(canonicalHead(head)));
}

export interface VerifiedHeads {
  readonly byAccount: ReadonlyMap<string, readonly SignedHead[]>;
  readonly findings: readonly Finding[];
}

/**
 * Checks the heads by themselves: signatures, the chain over all accounts, time, and that each tree contains the
 * one before. Those without a valid signature prove nothing and are left out of `byAccount`. A file may begin
 * after the first head: later ones cover all that earlier ones did.
 */
export function verifyHeads(
  heads: readonly SignedHead[],
  {
    sha256,
    verifySignature,
  }: { readonly sha256: Sha256; readonly verifySignature: VerifySignature },
): VerifiedHeads {
  const byAccount = new Map<string, SignedHead[]>();
  const findings: Finding[] = [];
  let before: SignedHead | undefined;
  for (const head of heads) {
    const report = (kind: Finding['kind'], text: string) =>
      findings.push({ kind, account: head.account, seq: null, until: null, head: head.n, text });
    if (!verifySignature(head.key, canonicalHead(head), head.signature)) {
      report('bad signature', `Head ${head.n} was not signed by the key, or changed since.`);
      before = head;
      continue;
    }
    const order = before && orderProblem(sha256, before, head);
    if (order) report('broken heads', order);
    if (before && isMuchEarlier(head.time, before.time)) {
      report('time going back', `Head ${head.n} is more than 5 minutes older than the one before.`);
    }
    const own = byAccount.get(head.account) ?? [];
    const last = own.at(-1);
    if (last && !isConsistent(sha256, last, head, head.consistency)) {
      report('rewrite', `Head ${head.n} does not contain what head ${last.n} signed.`);
    }
    byAccount.set(head.account, [...own, head]);
    before = head;
  }
  return { byAccount, findings };
}

function orderProblem(sha256: Sha256, before: SignedHead, head: SignedHead): string | null {
  if (head.n !== before.n + 1) return `Head ${head.n} follows head ${before.n}.`;
  const first = head.n === 1 && head.prev === NO_HASH;
  if (first || head.prev === headHash(sha256, before)) return null;
  return `Head ${head.n} names another head before it than ${before.n}.`;
}

/** Instants in the one form that the log writes compare as text; only a step back is worth reading. */
export function isMuchEarlier(instant: string, than: string): boolean {
  return instant < than && Date.parse(than) - Date.parse(instant) > TIME_TOLERANCE_MS;
}

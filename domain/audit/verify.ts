import { explainBreak, type Break } from './explain.ts';
import { inOrder, type Finding } from './findings.ts';
import { isMuchEarlier, type SignedHead } from './heads.ts';
import { MerkleTree } from './merkle.ts';
import { ProducerWatch } from './producers.ts';
import {
  canonicalRecord,
  CanonicalWriter,
  NO_HASH,
  toHex,
  type AuditRecord,
  type Sha256,
} from './record.ts';

export interface AccountVerdict {
  readonly account: string;
  readonly records: number;
  /** Records that a valid head covers, and that are what it signed. */
  readonly signed: number;
  /** By record: the first is the first bad one. Empty: nothing is wrong. */
  readonly findings: readonly Finding[];
}

/**
 * Verifies one account's records, given one after the other in the order of `seq`, against each other and against
 * the account's valid heads. It stops at the first record that does not fit, since nothing after it is proven.
 */
export class AccountVerifier {
  readonly #account: string;
  readonly #sha256: Sha256;
  readonly #heads: readonly SignedHead[];
  readonly #writer = new CanonicalWriter();
  readonly #tree: MerkleTree;
  readonly #producers = new ProducerWatch();
  readonly #findings: Finding[] = [];
  #nextHead = 0;
  #good: AuditRecord | undefined;
  #pending: AuditRecord | undefined;
  #records = 0;
  #broken = false;
  /** The latest instant that a record or a head has told so far. */
  #latest = '';
  #signed = 0;

  constructor(account: string, heads: readonly SignedHead[], sha256: Sha256) {
    this.#account = account;
    this.#sha256 = sha256;
    this.#heads = heads;
    this.#tree = new MerkleTree(sha256);
  }

  /** Keeps one record back, so that the next can tell what is wrong with it. */
  add(record: AuditRecord): void {
    this.#records += 1;
    if (this.#pending) this.#check(this.#pending, record);
    this.#pending = record;
  }

  finish(): AccountVerdict {
    if (this.#pending) this.#check(this.#pending, undefined);
    if (!this.#broken) this.#checkEnd();
    const missing = this.#producers.finding(this.#account);
    if (missing) this.#findings.push(missing);
    const findings = inOrder(this.#findings);
    return { account: this.#account, records: this.#records, signed: this.#signed, findings };
  }

  #check(record: AuditRecord, next: AuditRecord | undefined): void {
    if (this.#broken) return;
    const hash = this.#sha256(canonicalRecord(this.#writer, record));
    const place = this.#tree.size + 1;
    const linked = record.prev_hash === (this.#good?.hash ?? NO_HASH);
    if (!linked || record.seq !== place || record.hash !== toHex(hash) || next?.seq === place) {
      this.#break({ place, record, good: this.#good, next });
      return;
    }
    this.#good = record;
    this.#tree.add(hash);
    this.#producers.add(record);
    this.#checkTime(record);
    this.#checkHeads(record, next);
  }

  #checkTime({ seq, recorded_at: at }: AuditRecord): void {
    if (isMuchEarlier(at, this.#latest)) {
      const text = `Record ${seq} is more than 5 minutes older than what was there before it.`;
      this.#report({ kind: 'time going back', seq, text });
    }
    if (at > this.#latest) this.#latest = at;
  }

  #checkHeads(record: AuditRecord, next: AuditRecord | undefined): void {
    for (let head = this.#head(); head?.size === record.seq; head = this.#head()) {
      this.#nextHead += 1;
      if (head.root !== this.#tree.root()) {
        this.#breakAtHead(head, record, next);
        return;
      }
      this.#checkHeadTime(head);
      this.#signed = head.size;
    }
  }

  #head(): SignedHead | undefined {
    return this.#heads[this.#nextHead];
  }

  #checkHeadTime({ n, size, time }: SignedHead): void {
    if (isMuchEarlier(time, this.#latest)) {
      const text = `Record ${size} is more than 5 minutes younger than head ${n}, which signed it.`;
      this.#report({ kind: 'time going back', seq: size, text });
    }
    if (time > this.#latest) this.#latest = time;
  }

  /** The chain fits up to here, but it is not the one that was signed. */
  #breakAtHead(head: SignedHead, good: AuditRecord, next: AuditRecord | undefined): void {
    const { n, size: until } = head;
    if (next && next.prev_hash !== good.hash) {
      this.#break({ place: until + 1, record: next, good, next: undefined });
      return;
    }
    this.#broken = true;
    const text = `Head ${n} signed other records up to ${until}: the chain was made anew.`;
    this.#report({ kind: 'rewrite', seq: this.#signed + 1, until, head: n, text });
  }

  #checkEnd(): void {
    const size = this.#tree.size;
    const head = this.#heads.find((one) => one.size > size);
    if (!head) return;
    const text = `Head ${head.n} signed ${head.size} records, but there are ${size}.`;
    this.#report({ kind: 'truncation', seq: size + 1, until: head.size, head: head.n, text });
  }

  #break(where: Break): void {
    this.#broken = true;
    this.#report(explainBreak(this.#sha256, where));
  }

  #report(found: Pick<Finding, 'kind' | 'seq' | 'text'> & Partial<Finding>): void {
    this.#findings.push({ account: this.#account, until: null, head: null, ...found });
  }
}

/**
 * One record of the audit log, under the names of its columns, as exported. Instants are ISO 8601 in UTC with
 * milliseconds, digests and hashes lower-case hex. It names people by their ids only.
 */
export interface AuditRecord {
  /** Of the canonical form. */
  readonly version: number;
  readonly account_id: string;
  /** Place in the account's chain, gapless from 1. */
  readonly seq: number;
  readonly id: string;
  /** When it happened; `recorded_at` when it was chained, which is later after an outage. */
  readonly occurred_at: string;
  readonly recorded_at: string;
  readonly actor_type: string;
  readonly actor_id: string;
  /** The user for whom an account key acted. */
  readonly on_behalf_of: string | null;
  /** The key that was used. */
  readonly credential_id: string | null;
  /** The break-glass grant that was used. */
  readonly grant_id: string | null;
  readonly action: string;
  /** Operation of the REST api, type of an incident's log entry, or command. */
  readonly operation: string;
  readonly object_type: string | null;
  readonly object_id: string | null;
  /** What the object belongs to; itself where it belongs to nothing. */
  readonly root_type: string | null;
  readonly root_id: string | null;
  readonly outcome: 'success' | 'refused';
  readonly reason: string | null;
  /** HMAC of the object with the account's own key. */
  readonly before_digest: string | null;
  readonly after_digest: string | null;
  /** JSON text: digests of every row that changed, or counts of what one record stands for. */
  readonly changes: string | null;
  /** From where: class of the address, or the channel of an answer. */
  readonly source: string;
  readonly request_id: string | null;
  readonly trace_id: string | null;
  readonly workflow_id: string | null;
  readonly run_id: string | null;
  /** Whoever numbers its log entries without a gap: an incident or a run of a responder. */
  readonly producer: string | null;
  readonly producer_seq: number | null;
  readonly prev_hash: string;
  readonly hash: string;
}

/** The columns that are hashed, in this order, before the hash of the record before. Never reordered. */
export const AUDIT_FIELDS = [
  'version',
  'account_id',
  'seq',
  'id',
  'occurred_at',
  'recorded_at',
  'actor_type',
  'actor_id',
  'on_behalf_of',
  'credential_id',
  'grant_id',
  'action',
  'operation',
  'object_type',
  'object_id',
  'root_type',
  'root_id',
  'outcome',
  'reason',
  'before_digest',
  'after_digest',
  'changes',
  'source',
  'request_id',
  'trace_id',
  'workflow_id',
  'run_id',
  'producer',
  'producer_seq',
] as const satisfies readonly (keyof AuditRecord)[];

/** `prev_hash` of the first record. */
export const NO_HASH = '0'.repeat(64);

/** The chain of what belongs to no account, such as tries with unknown keys. */
export const SYSTEM_CHAIN = 'system';

/** SHA-256 of bytes, given by whoever verifies: this room reaches no library. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

const encoder = new TextEncoder();
const LEAF = 0x00;
const ABSENT = 0xffffffff;

/** Writes length-prefixed fields one after the other into one buffer that it keeps and grows. */
export class CanonicalWriter {
  #buffer = new Uint8Array(4096);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;

  start(tag: number): this {
    this.#buffer[0] = tag;
    this.#length = 1;
    return this;
  }

  /** The length in bytes as four bytes, then the text in UTF-8; absent is a length of its own, not ''. */
  field(value: string | number | null | undefined): this {
    if (value === null || value === undefined) {
      this.#reserve(4);
      this.#view.setUint32(this.#length, ABSENT);
      this.#length += 4;
      return this;
    }
    const text = typeof value === 'string' ? value : String(value);
    this.#reserve(4 + text.length * 3);
    const { written } = encoder.encodeInto(text, this.#buffer.subarray(this.#length + 4));
    this.#view.setUint32(this.#length, written);
    this.#length += 4 + written;
    return this;
  }

  /** As it is, without its length: for hashes. */
  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** Valid until the next `start`. */
  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/**
 * What the hash of a record is taken of: 0x00, each field with its length, the hash of the record before. So it is
 * also the hash of a leaf of an RFC 9162 tree. `seq` in place of the record's own tells where else it would fit.
 */
export function canonicalRecord(
  writer: CanonicalWriter,
  record: AuditRecord,
  seq = record.seq,
): Uint8Array {
  writer.start(LEAF);
  for (const name of AUDIT_FIELDS) writer.field(name === 'seq' ? seq : record[name]);
  return writer.raw(fromHex(record.prev_hash)).bytes();
}

/** Bytes of hex digits; any other character counts as 0, so that a spoilt hash fits nothing. */
export function fromHex(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length >> 1);
  for (let place = 0; place < bytes.length; place += 1) {
    bytes[place] = (digit(hex.charCodeAt(2 * place)) << 4) | digit(hex.charCodeAt(2 * place + 1));
  }
  return bytes;
}

function digit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  if (code >= 97 && code <= 102) return code - 87;
  return 0;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte] ?? '';
  return text;
}

// Whoever changes anything of a chain is found, with the first record that is not what it was; whoever makes the
// whole chain anew is found by what was signed; nothing is found where nothing was done.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  chained,
  checkSignature,
  headsOf,
  newSigner,
  rehash,
  sampleChain,
  sha256,
} from '../../test/support/audit-chain.ts';
import { verifyHeads, type SignedHead } from './heads.ts';
import { AUDIT_FIELDS, type AuditRecord } from './record.ts';
import { AccountVerifier } from './verify.ts';

const COUNT = 60;
const SIGNED = 45;
const chain = sampleChain(COUNT);
const signer = newSigner();
const heads = headsOf(chain, [10, 24, 25, SIGNED], signer);

function verify(records: readonly AuditRecord[], given: readonly SignedHead[] = heads) {
  const proven = verifyHeads(given, { sha256, verifySignature: checkSignature(signer) });
  const verifier = new AccountVerifier('PACC', proven.byAccount.get('PACC') ?? [], sha256);
  for (const record of records) verifier.add(record);
  const verdict = verifier.finish();
  return { ...verdict, findings: [...proven.findings, ...verdict.findings] };
}
const first = (records: readonly AuditRecord[], given?: readonly SignedHead[]) => {
  const [finding] = verify(records, given).findings;
  return finding && { kind: finding.kind, seq: finding.seq };
};
const place = (max = COUNT) => fc.integer({ min: 2, max: max - 1 });
const without = (seq: number) => chain.filter((record) => record.seq !== seq);
const renumbered = (records: readonly AuditRecord[]) =>
  records.map((record, index) => ({ ...record, seq: index + 1 }));
const put = (at: number, ...records: AuditRecord[]) => chain.toSpliced(at - 1, 0, ...records);
const recordAt = (seq: number): AuditRecord => {
  const record = chain[seq - 1];
  if (!record) throw new Error(`no record ${seq}`);
  return record;
};

describe('a chain', () => {
  it('that nobody touched has no finding', () => {
    expect(verify(chain)).toEqual({
      account: 'PACC',
      records: COUNT,
      signed: SIGNED,
      findings: [],
    });
    expect(verify([], []).findings).toEqual([]);
  });

  it('tells an edit of any field, with the hash left or made anew', () => {
    const field = fc.constantFrom(...AUDIT_FIELDS.filter((name) => name !== 'seq'));
    fc.assert(
      fc.property(place(), field, fc.boolean(), (seq, name, anew) => {
        const old = recordAt(seq);
        const value = typeof old[name] === 'number' ? old[name] + 1 : `${old[name] ?? ''}x`;
        const edited = { ...old, [name]: value };
        const records = chain.with(seq - 1, anew ? rehash(edited) : edited);
        expect(first(records)).toEqual({ kind: 'edit', seq });
      }),
    );
    const nulled = { ...recordAt(7), reason: null };
    expect(first(chain.with(6, nulled))).toEqual({ kind: 'edit', seq: 7 });
  });

  it('tells fields whose border was moved', () => {
    const moved = { ...recordAt(9), actor_type: 'userP', actor_id: 'USER3' };
    expect(first(chain.with(8, moved))).toEqual({ kind: 'edit', seq: 9 });
  });

  it('tells an inserted record, a fork, a deletion and a swap', () => {
    fc.assert(
      fc.property(place(), fc.boolean(), (seq, linked) => {
        const prev_hash = linked ? recordAt(seq).prev_hash : recordAt(seq).hash;
        const forged = rehash({ ...recordAt(seq), id: 'X', seq, prev_hash });
        expect(first(renumbered(put(seq, forged)))).toEqual({ kind: 'insert', seq });
        expect(first(put(seq, forged))).toEqual({ kind: 'fork', seq });
        expect(first(put(seq + 1, forged))).toEqual({ kind: 'fork', seq });
        expect(first(without(seq))).toEqual({ kind: 'delete', seq });
        expect(first(renumbered(without(seq)))).toEqual({ kind: 'delete', seq });
      }),
    );
    fc.assert(
      fc.property(place(), place(), (one, other) => {
        fc.pre(one !== other);
        const seq = Math.min(one, other);
        const swapped = chain.with(one - 1, recordAt(other)).with(other - 1, recordAt(one));
        expect(first(renumbered(swapped))).toEqual({ kind: 'swap', seq });
      }),
    );
  });

  it('tells a cut tail and a chain made anew by what was signed', () => {
    fc.assert(
      fc.property(place(SIGNED + 1), (seq) => {
        expect(first(chain.slice(0, seq - 1))).toEqual({ kind: 'truncation', seq });
        const anew = chained(chain.with(seq - 1, { ...recordAt(seq), reason: 'forged' }));
        const [finding] = verify(anew).findings;
        expect(finding?.kind).toBe('rewrite');
        expect(finding?.seq).toBeLessThanOrEqual(seq);
        expect(finding?.until).toBeGreaterThanOrEqual(seq);
      }),
    );
    expect(verify(chain.slice(0, SIGNED)).findings).toEqual([]);
  });

  it('tells time that goes back by more than five minutes, also behind a head', () => {
    const back = (ms: number) => (record: AuditRecord, index: number) => {
      const recorded_at = new Date(Date.parse(record.recorded_at) - ms).toISOString();
      return index >= 50 ? { ...record, recorded_at } : record;
    };
    expect(first(chained(chain.map(back(302_000))))).toEqual({ kind: 'time going back', seq: 51 });
    expect(verify(chained(chain.map(back(299_000)))).findings).toEqual([]);
  });

  it('tells a producer’s record that never came, and lets one explain what it dropped', () => {
    const gone = chained(without(52));
    expect(first(gone)).toEqual({ kind: 'missing producer record', seq: 54 });
    const explained = chained(
      without(52).map((record) =>
        record.id === 'L57' ? { ...record, changes: '{"dropped_before":1}' } : record,
      ),
    );
    expect(verify(explained).findings).toEqual([]);
    const late = [...without(52), recordAt(52)];
    expect(verify(chained(late)).findings).toEqual([]);
  });
});

describe('heads', () => {
  it('count only with a valid signature of the known key', () => {
    const [one, ...rest] = heads;
    if (!one) throw new Error('no head');
    const longer = { ...one, size: one.size + 1 };
    expect(first(chain, [longer, ...rest])).toEqual({ kind: 'bad signature', seq: null });
    const foreign = headsOf(chain, [10], newSigner());
    expect(first(chain, foreign)).toEqual({ kind: 'bad signature', seq: null });
  });

  it('cannot lose one between others, nor change their order, nor sign two histories', () => {
    expect(first(chain, heads.toSpliced(1, 1))?.kind).toBe('broken heads');
    expect(first(chain, heads.toReversed())?.kind).toBe('broken heads');
    expect(verify(chain, heads.slice(1)).findings).toEqual([]);
    const anew = chained(chain.with(3, { ...recordAt(4), reason: 'forged' }));
    const forged = headsOf(anew, [10, 24, 25, SIGNED], signer);
    const mixed = verify(anew, [...heads.slice(0, 1), ...forged.slice(1)]);
    expect(mixed.findings.map(({ kind }) => kind)).toContain('rewrite');
  });
});

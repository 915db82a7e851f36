import type pg from 'pg';

import type { FindingKind } from '../../domain/audit/findings.ts';

/** What must be found: the first bad record, or for a rewrite a range that it lies in. */
export interface Expected {
  readonly kind: FindingKind;
  readonly seq: number;
}

/** One way to change an account's log as a superuser, in a transaction in which the triggers are off. */
export interface Tampering {
  readonly name: string;
  readonly run: (log: TamperedLog) => Promise<Expected>;
}

/** A number from 0 up to `below`, not included. */
export type Chance = (below: number) => number;

/** Mulberry32: the same numbers for the same seed, everywhere. */
export function chanceOf(seed: number): Chance {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** What `rechain` calls; it ends with the session. */
export const RECHAIN = `
  create function pg_temp.rechain(account text, start bigint) returns void language plpgsql as $$
  declare
    place bigint := start;
    before bytea := coalesce((select r.hash from audit_records r where r.account_id = account and r.seq = start - 1),
      decode(repeat('00', 32), 'hex'));
    record audit_records;
  begin
    for record in select * from audit_records r where r.account_id = account and r.seq >= start order by r.seq loop
      update audit_records r set seq = place, prev_hash = before where r.account_id = account and r.id = record.id;
      update audit_records r set hash = audit_hash(r) where r.account_id = account and r.id = record.id
        returning r.hash into before;
      place := place + 1;
    end loop;
  end $$`;

/** An account's log in the hands of a superuser. */
export class TamperedLog {
  readonly #client: pg.ClientBase;
  readonly account: string;
  /** Records, and how many of them a head has signed. */
  readonly size: number;
  readonly signed: number;
  readonly chance: Chance;

  constructor(
    client: pg.ClientBase,
    given: {
      readonly account: string;
      readonly size: number;
      readonly signed: number;
      readonly chance: Chance;
    },
  ) {
    this.#client = client;
    this.account = given.account;
    this.size = given.size;
    this.signed = given.signed;
    this.chance = given.chance;
  }

  /** `$1` is the account. */
  async sql(text: string, ...values: unknown[]): Promise<readonly Record<string, unknown>[]> {
    const { rows } = await this.#client.query<Record<string, unknown>>(text, [
      this.account,
      ...values,
    ]);
    return rows;
  }

  /** A record from `from` to `to`. */
  between(from: number, to: number): number {
    return from + this.chance(to - from + 1);
  }

  /** Neither the first nor the last. */
  inner(): number {
    return this.between(2, this.size - 1);
  }

  /** Moves the numbers from `seq` on, in two steps because each must be free. */
  async shift(seq: number, by: number): Promise<void> {
    await this.sql(
      'update audit_records set seq = -(seq + $3::bigint) where account_id = $1 and seq >= $2',
      seq,
      by,
    );
    await this.sql('update audit_records set seq = -seq where account_id = $1 and seq < 0');
  }

  /** Makes the hash of one record fit its content. */
  async rehash(seq: number): Promise<void> {
    await this.sql(
      'update audit_records r set hash = audit_hash(r) where account_id = $1 and seq = $2',
      seq,
    );
  }

  /** Makes numbers, links and hashes anew from `seq` on: what somebody does who knows how it works. */
  async rechain(seq: number): Promise<void> {
    await this.sql('select pg_temp.rechain($1, $2)', seq);
  }

  async remove(seq: number): Promise<void> {
    await this.sql('delete from audit_records where account_id = $1 and seq = $2', seq);
  }

  /** A copy of record `seq` with another id, as number `place`; its hash fits its content. */
  async forge(seq: number, place: number): Promise<void> {
    await this.sql(
      `insert into audit_records select (jsonb_populate_record(r, jsonb_build_object(
         'id', 'forged-' || $3::bigint, 'seq', $3::bigint, 'reason', 'forged', 'producer', null))).*
       from audit_records r where account_id = $1 and seq = $2`,
      seq,
      place,
    );
  }
}

const FIELDS = [
  'actor_id',
  'reason',
  'occurred_at',
  'after_digest',
  'outcome',
  'trace_id',
] as const;
const VALUES: Readonly<Record<(typeof FIELDS)[number], string>> = {
  actor_id: `'PSOMEBODY'`,
  reason: `coalesce(reason, '') || ' (corrected)'`,
  occurred_at: `occurred_at - interval '1 day'`,
  after_digest: `repeat('0', 64)`,
  outcome: `case outcome when 'success' then 'refused' else 'success' end`,
  trace_id: `case when trace_id is null then '' else null end`,
};

async function edit(log: TamperedLog, seq: number): Promise<void> {
  const field = FIELDS[log.chance(FIELDS.length)] ?? 'reason';
  await log.sql(
    `update audit_records set ${field} = ${VALUES[field]} where account_id = $1 and seq = $2`,
    seq,
  );
}

/** Ten kinds; those of heads and of signatures are done to the heads' file by the test itself. */
export const TAMPERINGS: readonly Tampering[] = [
  {
    name: 'a record is edited',
    run: async (log) => {
      const seq = log.between(1, log.size);
      await edit(log, seq);
      return { kind: 'edit', seq };
    },
  },
  {
    name: 'a record is edited, and its own hash made to fit',
    run: async (log) => {
      const seq = log.inner();
      await edit(log, seq);
      await log.rehash(seq);
      return { kind: 'edit', seq };
    },
  },
  {
    name: 'a record is put in, and the others move on',
    run: async (log) => {
      const seq = log.inner();
      await log.shift(seq, 1);
      await log.forge(seq + 1, seq);
      if (log.chance(2) === 0) await log.rehash(seq);
      return { kind: 'insert', seq };
    },
  },
  {
    name: 'a record is deleted',
    run: async (log) => {
      const seq = log.inner();
      await log.remove(seq);
      if (log.chance(2) === 0) await log.shift(seq + 1, -1);
      return { kind: 'delete', seq };
    },
  },
  {
    name: 'two records change places',
    run: async (log) => {
      const one = log.between(1, log.size - 1);
      const other = log.between(one + 1, log.size);
      for (const [from, to] of [
        [one, -other],
        [other, -one],
      ]) {
        await log.sql(
          'update audit_records set seq = $3::bigint where account_id = $1 and seq = $2',
          from,
          to,
        );
      }
      await log.sql('update audit_records set seq = -seq where account_id = $1 and seq < 0');
      return { kind: 'swap', seq: one };
    },
  },
  {
    name: 'a second record gets the same number',
    run: async (log) => {
      const seq = log.inner();
      await log.forge(seq, seq);
      if (log.chance(2) === 0) {
        await log.sql(
          `update audit_records r set hash = audit_hash(r) where account_id = $1 and id like 'forged%'`,
        );
      }
      return { kind: 'fork', seq };
    },
  },
  {
    name: 'the end is cut off',
    run: async (log) => {
      const seq = log.between(1, log.signed);
      await log.sql('delete from audit_records where account_id = $1 and seq >= $2', seq);
      return { kind: 'truncation', seq };
    },
  },
  {
    name: 'a record is edited and the whole chain made anew',
    run: async (log) => {
      const seq = log.between(1, log.signed);
      await edit(log, seq);
      await log.rechain(seq);
      return { kind: 'rewrite', seq };
    },
  },
  {
    name: 'what is not signed yet is dated back, and its chain made anew',
    run: async (log) => {
      const seq = log.between(log.signed + 1, log.size);
      await log.sql(
        `update audit_records set recorded_at = recorded_at - interval '6 minutes'
         where account_id = $1 and seq >= $2`,
        seq,
      );
      await log.rechain(seq);
      return { kind: 'time going back', seq };
    },
  },
  {
    name: 'a producer’s record that is not signed yet vanishes, and the chain is made anew',
    run: async (log) => {
      const found = await log.sql(
        `select a.seq, (select min(b.seq) from audit_records b
           where b.account_id = $1 and b.producer = a.producer and b.producer_seq > a.producer_seq) as next
         from audit_records a where a.account_id = $1 and a.seq > $2 and a.producer is not null
           and exists (select from audit_records b where b.account_id = $1 and b.producer = a.producer
             and b.producer_seq < a.producer_seq)
           and exists (select from audit_records b where b.account_id = $1 and b.producer = a.producer
             and b.producer_seq > a.producer_seq)
         order by a.seq`,
        log.signed,
      );
      const row = found[log.chance(found.length)];
      const seq = Number(row?.['seq']);
      await log.remove(seq);
      await log.shift(seq + 1, -1);
      await log.rechain(seq);
      return { kind: 'missing producer record', seq: Number(row?.['next']) - 1 };
    },
  },
];

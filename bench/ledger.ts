import { Client, Connection as TemporalConnection } from '@temporalio/client';
import pg from 'pg';

import type { BenchStack } from './stack.ts';

/** What the product has of the events of a figure, seen past the product: in its tables and its engine. */
export interface Ledger {
  /** Rows in the spill. */
  readonly waiting: number;
  /** Incident workflows, open and closed. */
  readonly incidents: number;
}

export async function readLedger(bench: BenchStack): Promise<Ledger> {
  return { waiting: await countSpill(bench), incidents: await countIncidents(bench) };
}

/** Reads the ledger until `enough` or the limit; visibility is behind by some hundred milliseconds. */
export async function untilLedger(
  bench: BenchStack,
  enough: (ledger: Ledger) => boolean,
  limitMs: number,
): Promise<Ledger> {
  const until = performance.now() + limitMs;
  for (;;) {
    const ledger = await readLedger(bench);
    if (enough(ledger) || performance.now() > until) return ledger;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function countSpill(bench: BenchStack): Promise<number> {
  const url = new URL(bench.stack.superuserUrl());
  url.pathname = '/pdlite';
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    const { rows } = await client.query<{ n: number }>('select count(*)::int as n from spill');
    return rows[0]?.n ?? 0;
  } finally {
    await client.end();
  }
}

async function countIncidents(bench: BenchStack): Promise<number> {
  return withTemporal(bench, async (client) => {
    const { count } = await client.workflow.count(
      'WorkflowType="incident" AND PdliteAccount="PBENCH00000000"',
    );
    return count;
  });
}

/** A client of the stack's engine while `work` runs. */
export async function withTemporal<T>(
  bench: BenchStack,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const connection = await TemporalConnection.connect({
    address: bench.settings.config.TEMPORAL_ADDRESS,
  });
  try {
    return await work(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

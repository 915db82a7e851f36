import pg from 'pg';

const CONNECT_MS = 5000;
/** A promotion waits for the end of recovery. */
const ANSWER_MS = 15_000;

/**
 * Runs statements one after the other on a connection of its own.
 * @returns the rows of the last.
 * @throws what the driver does; after 5 s without a connection, after 15 s without an answer.
 */
export async function asSuperuser(
  connectionString: string,
  statements: readonly string[],
): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: ANSWER_MS,
  });
  client.on('error', () => undefined);
  let rows: readonly Record<string, unknown>[] = [];
  try {
    await client.connect();
    for (const statement of statements)
      rows = (await client.query<Record<string, unknown>>(statement)).rows;
    return rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

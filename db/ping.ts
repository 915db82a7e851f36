import pg from 'pg';

/** Milliseconds for connecting, and again for the question. */
const LIMIT_MS = 3000;

/**
 * Asks PostgreSQL on a connection of its own, whether it takes writes.
 * @throws whatever the driver throws when it does not answer.
 */
export async function pingDatabase(url: string): Promise<'ok' | 'read_only'> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: LIMIT_MS,
    query_timeout: LIMIT_MS,
  });
  // An error after the answer, such as a server that ends, is of no interest.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ setting: string }>(
      `select current_setting('transaction_read_only') as setting`,
    );
    return rows[0]?.setting === 'on' ? 'read_only' : 'ok';
  } finally {
    await client.end();
  }
}

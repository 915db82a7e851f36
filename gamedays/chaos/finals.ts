import { z } from 'zod';

import type { FinalIncident } from '../ledgers/records.ts';
import type { PlannedAccount } from '../load/population.ts';

const PAGE = 100;
/** The API's own bound of an offset; more incidents than this are asked for by time. */
const PAGES_MAX = 100;
const LIMIT_MS = 15_000;
const TRIES = 10;

const teamsSchema = z.object({
  more: z.boolean(),
  teams: z.array(z.object({ name: z.string() })),
});
const incidentsSchema = z.object({
  more: z.boolean(),
  incidents: z.array(
    z.object({
      id: z.string(),
      incident_key: z.string().nullable(),
      status: z.enum(['triggered', 'acknowledged', 'resolved']),
      created_at: z.string(),
    }),
  ),
});

/** Asks the product for every incident of the accounts since an instant, over its REST API. */
export async function readFinals(
  apiUrl: string,
  accounts: readonly PlannedAccount[],
  sinceMs: number,
): Promise<readonly FinalIncident[]> {
  const from = new Date(sinceMs).toISOString();
  const lists = await Promise.all(accounts.map((one) => readAccount(apiUrl, one.apiKey, from)));
  return lists.flat();
}

async function readAccount(
  apiUrl: string,
  apiKey: string,
  from: string,
): Promise<readonly FinalIncident[]> {
  const found = new Map<string, FinalIncident>();
  let since = from;
  for (;;) {
    let last = since;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const query = `since=${since}&sort_by=created_at:asc&limit=${PAGE}&offset=${page * PAGE}`;
      const url = `${apiUrl}/incidents?${query}`;
      const { incidents, more } = await readPage(incidentsSchema, url, apiKey);
      for (const { id, incident_key: key, status, created_at: at } of incidents) {
        found.set(id, { id, key: key ?? id, status });
        last = at;
      }
      if (!more) return [...found.values()];
    }
    since = last;
  }
}

/** Names of an account's teams. @throws Error when they cannot be read. */
export async function readTeams(apiUrl: string, apiKey: string): Promise<readonly string[]> {
  const names: string[] = [];
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const url = `${apiUrl}/teams?limit=${PAGE}&offset=${page * PAGE}`;
    const { teams, more } = await readPage(teamsSchema, url, apiKey);
    names.push(...teams.map(({ name }) => name));
    if (!more) break;
  }
  return names;
}

/** Asks again while there is no answer, or one that was not read from a list. */
async function readPage<T>(schema: z.ZodType<T>, url: string, apiKey: string): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const headers = { authorization: `Token token=${apiKey}` };
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(LIMIT_MS) });
    const isLive = response.headers.get('pdlite-source') === 'workflow';
    if (response.ok && !isLive) return schema.parse(await response.json());
    const text = (await response.text()).slice(0, 300);
    if (attempt >= TRIES) throw new Error(`${url} answers ${response.status} ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

const REFUSED =
  /^pdlite_intake_events_total\{[^}]*result="(?:overloaded|unavailable|rate_limited)"[^}]*\} (\d+)/gm;

/** How many events the api processes say they have refused since they started. */
export async function readRefusals(metricsUrls: readonly string[]): Promise<number> {
  const texts = await Promise.all(metricsUrls.map(async (url) => (await fetch(url)).text()));
  return texts
    .flatMap((text) => [...text.matchAll(REFUSED)].map((match) => Number(match[1])))
    .reduce((sum, count) => sum + count, 0);
}

/**
 * A request with an `Idempotency-Key` that is sent again does nothing again and is answered as the first one
 * was, whatever has become of the incident since; the same key with another request is refused.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';

import {
  at,
  incidentId,
  openIncidentApi,
  type ApiAnswer,
  type IncidentApi,
} from '../support/incident-api.ts';

let api: IncidentApi;
let service: { readonly id: string | undefined; readonly type: string };
let seq = 0;

beforeAll(async () => {
  api = await openIncidentApi();
  const demo = api.directory.accounts().find(({ account }) => account.subdomain === 'demo');
  service = { id: demo?.config.services[0]?.id, type: 'service_reference' };
});
afterAll(() => api.close());

const newKey = () => ({ 'idempotency-key': `try-${(seq += 1)}` });
/** Sends a request again until a worker has answered it, as a careful client does. */
async function insist(ask: () => Promise<ApiAnswer>): Promise<ApiAnswer> {
  for (;;) {
    const answer = await ask();
    if (answer.status !== 503 && answer.status !== 202) return answer;
  }
}
const create = (more: object = {}, key: Readonly<Record<string, string>> = newKey()) =>
  api.ask(
    'POST',
    '/incidents',
    { incident: { type: 'incident', title: 'T', service, ...more } },
    key,
  );
const put = (id: string, change: object, key: Readonly<Record<string, string>>) =>
  api.ask('PUT', `/incidents/${id}`, { incident: { type: 'incident', ...change } }, key);
const errorOf = ({ status, body }: { status: number; body: unknown }) => [
  status,
  at(body, 'error', 'code'),
];
async function entriesOf(id: string, type: string): Promise<number> {
  const { body } = await api.ask('GET', `/incidents/${id}/log_entries?limit=100`);
  const list = at(body, 'log_entries');
  return Array.isArray(list) ? list.filter((entry) => at(entry, 'type') === type).length : 0;
}

test('a resolve is answered again as it was, when the incident is long over', async () => {
  await api.whileWorking(async () => {
    const id = incidentId(await create());
    const key = newKey();
    const first = await insist(() => put(id, { title: 'Renamed', status: 'resolved' }, key));
    expect([first.status, at(first.body, 'incident', 'status')]).toEqual([200, 'resolved']);
    const over = async () => {
      const { body } = await api.ask('GET', `/incidents/${id}`);
      const workflowId = decodeURIComponent(
        String(at(body, 'incident', 'temporal_ui_url'))
          .split('/')
          .at(-1) ?? '',
      );
      return (await api.temporal.client.workflow.getHandle(workflowId).describe()).status.name;
    };
    await expect.poll(over, { timeout: 20_000, interval: 100 }).toBe('COMPLETED');
    const again = await put(id, { title: 'Renamed', status: 'resolved' }, key);
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(errorOf(await put(id, { status: 'resolved' }, newKey()))).toEqual([400, 1001]);
    expect(errorOf(await put(id, { status: 'acknowledged' }, key))).toEqual([422, 2001]);
    expect(await entriesOf(id, 'resolve_log_entry')).toBe(1);
  });
});

test('what was recorded without a worker is known for the same request afterwards', async () => {
  const key = newKey();
  const id = await api.whileWorking(async () => {
    const known = incidentId(await create());
    const listed = async () => JSON.stringify((await api.ask('GET', '/incidents')).body);
    await expect.poll(listed, { timeout: 20_000 }).toContain(known);
    return known;
  });
  expect((await put(id, { status: 'resolved' }, key)).status).toBe(202);
  await api.whileWorking(async () => {
    const status = async () =>
      at((await api.ask('GET', `/incidents/${id}`)).body, 'incident', 'status');
    await expect.poll(status, { timeout: 20_000 }).toBe('resolved');
    const again = await put(id, { status: 'resolved' }, key);
    expect([again.status, at(again.body, 'incident', 'status')]).toEqual([200, 'resolved']);
  });
});

test('notes, snoozes, requests and merges happen once', async () => {
  await api.whileWorking(async () => {
    const [id, source] = [incidentId(await create()), incidentId(await create())];
    const requester_id = api.directory.accounts()[0]?.account.ownerUserId;
    const target = { id: requester_id, type: 'user_reference' };
    const posts = {
      notes: { note: { content: 'Once' } },
      snooze: { duration: 600 },
      responder_requests: { requester_id, message: 'Help', responder_request_targets: [target] },
    };
    for (const [name, body] of Object.entries(posts)) {
      const key = newKey();
      const post = () => api.ask('POST', `/incidents/${id}/${name}`, body, key);
      const twice = [1, 2].map(() => insist(post));
      const [first, again] = await Promise.all(twice);
      expect([again?.status, again?.body], name).toEqual([first?.status, first?.body]);
    }
    const key = newKey();
    const merge = () =>
      api.ask('PUT', `/incidents/${id}/merge`, { source_incidents: [{ id: source }] }, key);
    const [merged, repeated] = [await insist(merge), await merge()];
    expect([repeated.status, repeated.body]).toEqual([merged.status, merged.body]);
    await expect.poll(() => entriesOf(id, 'merge_log_entry'), { timeout: 20_000 }).toBe(1);
    for (const type of ['annotate', 'snooze', 'add_responders'])
      expect(await entriesOf(id, `${type}_log_entry`), type).toBe(1);
    const note = await api.ask('POST', `/incidents/${id}/notes`, posts.notes, key);
    expect(errorOf(note)).toEqual([422, 2001]);
  });
});

test('one incident is created, though asked for twice at once and again when it is over', async () => {
  await api.whileWorking(async () => {
    for (const more of [{}, { incident_key: 'cart' }]) {
      const key = newKey();
      const twice = [1, 2].map(() => insist(() => create(more, key)));
      const [id, beside] = (await Promise.all(twice)).map(incidentId);
      if (id === undefined) throw new Error('none');
      expect(beside).toBe(id);
      expect(errorOf(await create({ ...more, title: 'Other' }, key))).toEqual([422, 2001]);
      const resolve = newKey();
      await insist(() => put(id, { status: 'resolved' }, resolve));
      const late = await create(more, key);
      expect([late.status, incidentId(late)]).toEqual([201, id]);
    }
  });
});

test('a key is 1 to 255 characters', async () => {
  const key = { 'idempotency-key': 'x'.repeat(256) };
  expect(errorOf(await create({}, key))).toEqual([400, 2001]);
});

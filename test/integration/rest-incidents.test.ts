/**
 * Incidents over HTTP, on a real PostgreSQL and a real Temporal: what the api says is what the workflow
 * did; open incidents can be read without PostgreSQL and answered without a worker; tenants never cross.
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
let serviceId: string;

beforeAll(async () => {
  api = await openIncidentApi();
  const demo = api.directory.accounts().find(({ account }) => account.subdomain === 'demo');
  serviceId = demo?.config.services[0]?.id ?? '';
});
afterAll(() => api.close());

const create = (more: object = {}): Promise<ApiAnswer> =>
  api.ask('POST', '/incidents', {
    incident: {
      type: 'incident',
      title: 'The cart is empty',
      service: { id: serviceId, type: 'service_reference' },
      ...more,
    },
  });

const status = (value: string) => ({ incident: { type: 'incident_reference', status: value } });

/** Asks until the projection has caught up. */
async function eventually(work: () => Promise<ApiAnswer>, good: (body: unknown) => boolean) {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const answer = await work();
    if (good(answer.body) || Date.now() > deadline) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('an incident lives from creation to its last log entry', async () => {
  await api.whileWorking(async () => {
    const made = await create({ incident_key: 'cart' });
    expect(made.status).toBe(201);
    const id = incidentId(made);
    const again = await create({ incident_key: 'cart' });
    expect([again.status, at(again.body, 'error', 'code')]).toEqual([400, 2001]);

    const renamed = await api.ask('PUT', `/incidents/${id}`, {
      incident: { type: 'incident', title: 'No carts', status: 'acknowledged' },
    });
    expect(renamed.body['incident']).toMatchObject({ title: 'No carts', status: 'acknowledged' });
    const note = await api.ask('POST', `/incidents/${id}/notes`, { note: { content: 'On it' } });
    expect([note.status, at(note.body, 'note', 'content')]).toEqual([200, 'On it']);
    const snoozed = await api.ask('POST', `/incidents/${id}/snooze`, { duration: 3600 });
    expect(snoozed.status).toBe(201);
    expect((await api.ask('PUT', `/incidents/${id}`, status('resolved'))).status).toBe(200);
    const late = await api.ask('PUT', `/incidents/${id}`, status('resolved'));
    expect([late.status, at(late.body, 'error', 'code')]).toEqual([400, 1001]);

    const types = (body: unknown) => {
      const list = at(body, 'log_entries');
      return Array.isArray(list) ? list.map((entry: unknown) => at(entry, 'type')) : [];
    };
    const entries = await eventually(
      () => api.ask('GET', `/incidents/${id}/log_entries`),
      (body) => types(body).includes('resolve_log_entry'),
    );
    expect(types(entries.body)).toEqual(
      expect.arrayContaining(['trigger_log_entry', 'acknowledge_log_entry', 'annotate_log_entry']),
    );
    const first = await api.ask('GET', `/log_entries/${id}-1`);
    expect(at(first.body, 'log_entry', 'type')).toBe('trigger_log_entry');
  });
});

test('several incidents are changed at once, and each refusal names its incident', async () => {
  await api.whileWorking(async () => {
    const made = [await create(), await create()].map(incidentId);
    const items = [...made, 'PNOSUCH'].map((id) => ({ id, type: 'incident', status: 'resolved' }));
    const { status: code, body } = await api.ask('PUT', '/incidents', { incidents: items });
    expect(code).toBe(200);
    expect(body['incidents']).toMatchObject(made.map((id) => ({ id })));
    expect(body['errors']).toMatchObject([{ id: 'PNOSUCH', code: 5001 }]);
    const many = Array.from({ length: 251 }, () => ({ id: 'PX', type: 'incident' }));
    expect((await api.ask('PUT', '/incidents', { incidents: many })).status).toBe(413);
  });
});

test('open incidents are read without PostgreSQL, and listed from their workflows', async () => {
  await api.whileWorking(async () => {
    const made = await create({ title: 'Read me live' });
    const id = incidentId(made);
    const live = await api.askWithoutDatabase('GET', `/incidents/${id}`);
    expect([live.status, live.headers.get('pdlite-source')]).toEqual([200, 'workflow']);
    const list = await eventually(
      () => api.askWithoutDatabase('GET', '/incidents?statuses[]=triggered'),
      (body) => JSON.stringify(body).includes('Read me live'),
    );
    expect(JSON.stringify(list.body)).toContain('Read me live');
    const gone = await api.askWithoutDatabase('GET', '/incidents?statuses[]=resolved');
    expect(gone.status).toBe(503);
  });
});

test('another account sees and changes nothing of it', async () => {
  await api.whileWorking(async () => {
    const made = await create();
    const id = incidentId(made);
    const other = api.directory.accounts().find(({ account }) => account.subdomain !== 'demo');
    const name = other?.account.subdomain ?? '';
    for (const [method, path, body] of [
      ['GET', `/incidents/${id}`, undefined],
      ['PUT', `/incidents/${id}`, status('resolved')],
      ['GET', `/incidents/${id}/notes`, undefined],
    ] as const) {
      expect((await api.ask(method, path, body, name)).status).toBe(404);
    }
    expect(
      JSON.stringify((await api.ask('GET', '/incidents', undefined, name)).body),
    ).not.toContain(id);
  });
});

test('without a worker an acknowledgement is recorded, and counts as soon as one is back', async () => {
  const id = await api.whileWorking(async () => {
    const made = await create();
    const known = incidentId(made);
    await eventually(
      () => api.ask('GET', '/incidents'),
      (body) => JSON.stringify(body).includes(known),
    );
    return known;
  });
  const pending = await api.ask('PUT', `/incidents/${id}`, status('acknowledged'));
  expect([pending.status, pending.body['pending']]).toEqual([202, true]);
  const note = await api.ask('POST', `/incidents/${id}/notes`, { note: { content: 'lost?' } });
  expect(note.status).toBe(503);
  await api.whileWorking(async () => {
    const seen = await eventually(
      () => api.ask('GET', `/incidents/${id}`),
      (body) => JSON.stringify(body).includes('"status":"acknowledged"'),
    );
    expect(at(seen.body, 'incident', 'status')).toBe('acknowledged');
  });
});

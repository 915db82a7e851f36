/**
 * Incidents over HTTP, on a real PostgreSQL and a real Temporal: what the api says is what the workflow
 * did; open incidents can be read without PostgreSQL and answered without a worker; tenants never cross.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';

import { INCIDENT } from '../../domain/messages.ts';
import { settingsOf } from '../../domain/on-call.ts';
import { newId } from '../../platform/ids.ts';
import { TASK_QUEUES } from '../../temporal-config/names.ts';
import {
  at,
  incidentId,
  openIncidentApi,
  type ApiAnswer,
  type IncidentApi,
} from '../support/incident-api.ts';
import { alertEvent } from '../support/incident-samples.ts';

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

/** As an alert event makes it: started by its signal, keyed by its dedup key. */
async function byEvent(key: string): Promise<string> {
  const demo = api.directory.accounts().find(({ account }) => account.subdomain === 'demo');
  const settings = demo && settingsOf(demo, serviceId);
  if (!settings) throw new Error('no demo service');
  const incidentId = newId('Q');
  const event = alertEvent({
    eventId: incidentId,
    dedupKey: key,
    receivedAt: new Date().toISOString(),
  });
  await api.temporal.client.workflow.signalWithStart(INCIDENT.workflow, {
    workflowId: `incident/${incidentId}`,
    taskQueue: TASK_QUEUES.workflows,
    args: [{ incidentId, settings, manual: null }],
    signal: INCIDENT.signals.events,
    signalArgs: [[event]],
  });
  await eventually(
    () => api.ask('GET', `/incidents/${incidentId}`),
    (body) => at(body, 'incident', 'id') === incidentId,
  );
  return incidentId;
}

test('a merge is answered with the alerts of its sources; alerts are resolved one by one and all at once', async () => {
  await api.whileWorking(async () => {
    const [target, source] = [await byEvent('disk'), await byEvent('net')];
    const merged = await api.ask('PUT', `/incidents/${target}/merge`, {
      source_incidents: [{ id: source, type: 'incident_reference' }],
    });
    expect([merged.status, at(merged.body, 'incident', 'id')]).toEqual([200, target]);
    const path = `/incidents/${target}/alerts`;
    const listed = await api.ask('GET', path);
    expect(listed.body['alerts']).toMatchObject([{ alert_key: 'disk' }, { alert_key: 'net' }]);
    const bySource = await eventually(
      () => api.ask('GET', '/incidents?incident_key=net&statuses[]=triggered'),
      (body) => JSON.stringify(body).includes(target),
    );
    expect(bySource.body['incidents']).toMatchObject([{ id: target, incident_key: 'disk' }]);
    const resolved = { type: 'alert', status: 'resolved' };
    const moved = { alert: { incident: { id: 'PELSE', type: 'incident_reference' } } };
    expect((await api.ask('PUT', `${path}/${source}-A1`, moved)).status).toBe(400);
    const one = await api.ask('PUT', `${path}/${source}-A1`, { alert: resolved });
    expect([one.status, at(one.body, 'alert', 'status')]).toEqual([200, 'resolved']);
    expect((await api.ask('PUT', `${path}/NONE`, { alert: resolved })).status).toBe(404);
    const alerts = [`${target}-A1`, `${source}-A1`].map((id) => ({ id, ...resolved }));
    const all = await api.ask('PUT', path, { alerts });
    expect([all.status, all.body['alerts']]).toMatchObject([200, alerts]);
    const over = await api.ask('GET', `/incidents/${target}`);
    expect(at(over.body, 'incident', 'status')).toBe('resolved');
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

test('all notes can be read, also those that made room for later ones', async () => {
  await api.whileWorking(async () => {
    const path = `/incidents/${incidentId(await create())}/notes`;
    const contents = Array.from({ length: 55 }, (_, n) => `Note ${n}`);
    for (const content of contents)
      expect((await api.ask('POST', path, { note: { content } })).status).toBe(200);
    const read = async (query: string) => {
      const { body } = await api.ask('GET', `${path}?${query}`);
      const list = at(body, 'notes');
      const shown = Array.isArray(list) ? list.map((note) => String(at(note, 'content'))) : [];
      return [shown, body['more']];
    };
    const page = contents.toReversed().slice(48, 51);
    // While the projection takes the notes in, what is shown of the page never shifts.
    for (let n = 0; n < 20; n += 1) {
      const shown = (await read('limit=3&offset=48'))[0];
      expect([page, page.slice(0, 2)]).toContainEqual(shown);
    }
    await expect.poll(() => read(''), { timeout: 20_000 }).toEqual([contents.toReversed(), false]);
    expect(await read('limit=3&offset=48')).toEqual([page, true]);
    const live = await api.askWithoutDatabase('GET', path);
    expect([live.status, live.body['more']]).toEqual([200, true]);
    expect(live.headers.get('pdlite-incomplete')).toBe('more=true');
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

// What people do over REST moves the same incident that alerts and phones move, and stays within their account.
import { expect, test, afterAll, beforeAll } from 'vitest';

import { at, startProduct, type Product } from '../support/product.ts';

let product: Product;
beforeAll(async () => {
  const push = { methods: ['push'] } as const;
  product = await startProduct({
    people: {
      ada: push,
      bea: push,
      cyd: push,
      dov: push,
      eve: push,
      mal: { ...push, account: 'other' },
    },
  });
});
afterAll(() => product.close());

const idOf = (incident: unknown) => String(at(incident, 'id'));

test('merge: the sources are resolved into the target', async () => {
  await product.alert('ada', 'target');
  await product.alert('ada', 'source');
  const [target, source] = [await product.incident('target'), await product.incident('source')];
  const merged = await product.rest('PUT', `/incidents/${idOf(target)}/merge`, {
    source_incidents: [{ id: idOf(source), type: 'incident_reference' }],
  });
  expect(merged.status).toBe(200);
  const ended = await product.incident('source', 'resolved');
  expect(at(ended, 'resolve_reason', 'incident', 'id')).toBe(idOf(target));
  await product.expectLogged(target, 'merge_log_entry');
});

test('snooze: acknowledged, with a wake-up in its pending actions', async () => {
  await product.alert('bea', 'snooze');
  const incident = await product.incident('snooze');
  const path = `/incidents/${idOf(incident)}/snooze`;
  const snoozed = await product.rest('POST', path, { duration: 3600 });
  expect(snoozed.status).toBe(201);
  expect(at(snoozed.body, 'incident', 'status')).toBe('acknowledged');
  expect(JSON.stringify(at(snoozed.body, 'incident', 'pending_actions'))).toContain(
    'unacknowledge',
  );
  await product.expectLogged(incident, 'snooze_log_entry');
});

test('reassign: the new person is paged, and asked alone', async () => {
  await product.alert('cyd', 'reassign');
  const incident = await product.incident('reassign');
  await product.push('cyd').expectPush(/reassign/);
  const assignee = { id: product.person('dov').userId, type: 'user_reference' };
  const body = { incident: { type: 'incident', assignments: [{ assignee }] } };
  const answer = await product.rest('PUT', `/incidents/${idOf(incident)}`, body);
  expect([answer.status, at(answer.body, 'incident', 'assignments', 'length')]).toEqual([200, 1]);
  await product.push('dov').expectPush(/reassign/);
});

test('an engineer finds the incident in Temporal, and the incident says where', async () => {
  await product.alert('eve', 'visible');
  const incident = await product.incident('visible', 'triggered');
  const url = new URL(String(at(incident, 'temporal_ui_url')));
  expect(url.origin).toBe(new URL(product.temporalUiUrl).origin);
  const [, , namespace, , workflowId = ''] = url.pathname.split('/').map(decodeURIComponent);
  expect(namespace).toBe(product.namespace);
  const described = await product.temporal.workflow.getHandle(workflowId).describe();
  expect(described.status.name).toBe('RUNNING');
  expect((await fetch(product.temporalUiUrl)).status).toBe(200);
  const { userId, serviceId } = product.person('eve');
  const query = `PdliteStatus = 'triggered' AND PdliteAssignees = '${userId}' AND PdliteService = '${serviceId}' AND ExecutionStatus = 'Running'`;
  await expect
    .poll(() => found(product, query), { timeout: 10_000, interval: 100 })
    .toEqual([workflowId]);
});

async function found({ temporal }: Product, query: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { workflowId } of temporal.workflow.list({ query })) ids.push(workflowId);
  return ids;
}

test('every workflow takes the turns of its account', async () => {
  const { serviceId } = product.person('bea');
  const service = { id: serviceId, type: 'service_reference' };
  const incident = { type: 'incident', title: 'by hand', service };
  expect((await product.rest('POST', '/incidents', { incident })).status).toBe(201);
  const integration = { type: 'heartbeat_inbound_integration', name: 'Turns' };
  const made = await product.rest('POST', `/services/${serviceId}/integrations`, { integration });
  const key = String(at(made.body, 'integration', 'integration_key'));
  const beat = () => fetch(`${product.apiUrl}/integration/${key}/heartbeat`);
  await expect.poll(async () => (await beat()).status, { timeout: 5000 }).toBe(202);
  const query = `ExecutionStatus = 'Running'`;
  const kinds = async () =>
    [...new Set((await found(product, query)).map((id) => id.split('/')[0]))].sort();
  await expect.poll(kinds, { timeout: 10_000 }).toEqual(['heartbeat', 'incident', 'responder']);
  for (const id of await found(product, query)) {
    const { priority } = await product.temporal.workflow.getHandle(id).describe();
    expect([id, priority?.fairnessKey]).toEqual([id, id.split('/')[1]]);
  }
});

test('two accounts never see each other', async () => {
  await product.alert('mal', 'theirs');
  const incident = await product.incident('theirs', 'triggered', 'other');
  expect(await product.incidents('theirs', 'smoke')).toEqual([]);
  const path = `/incidents/${idOf(incident)}`;
  for (const [method, where, body] of [
    ['GET', path, undefined],
    ['PUT', path, { incident: { type: 'incident', status: 'resolved' } }],
    ['GET', `${path}/log_entries`, undefined],
    ['GET', `/users/${product.person('mal').userId}`, undefined],
  ] as const)
    expect((await product.rest(method, where, body)).status).toBe(404);
  await product.incident('theirs', 'triggered', 'other');
});

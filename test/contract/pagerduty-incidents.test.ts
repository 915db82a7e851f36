/** What the incident routes answer is what PagerDuty's own description of its REST API says. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import {
  incidentId,
  openIncidentApi,
  type ApiAnswer,
  type IncidentApi,
} from '../support/incident-api.ts';

const file = fileURLToPath(
  new URL('../../../shared/specs/pagerduty-rest-v2.openapi.json', import.meta.url),
);
const present = existsSync(file);
if (!present) console.warn('skipped: PagerDuty’s description is not beside the project');

describe.skipIf(!present)('PagerDuty’s response schemas', () => {
  let api: IncidentApi;
  let ajv: Ajv;
  beforeAll(async () => {
    const spec = JSON.parse(readFileSync(file, 'utf8')) as object;
    ajv = new Ajv({ strict: false, validateFormats: false });
    ajv.addSchema(nullable(spec) as object, 'spec');
    api = await openIncidentApi();
  });
  afterAll(() => api.close());

  function expectValid(answer: ApiAnswer, status: number, method: string, path: string): void {
    expect(answer.status, JSON.stringify(answer.body)).toBe(status);
    const place = path.replaceAll('~', '~0').replaceAll('/', '~1');
    const pointer = `spec#/paths/${encodeURI(place)}/${method}/responses/${status}/content/application~1json/schema`;
    const validate = ajv.compile({ $ref: pointer });
    validate(answer.body);
    expect(validate.errors ?? []).toEqual([]);
  }

  test('incidents, notes, alerts and log entries', async () => {
    const demo = api.directory.accounts().find(({ account }) => account.subdomain === 'demo');
    const service = { id: demo?.config.services[0]?.id, type: 'service_reference' };
    await api.whileWorking(async () => {
      const made = await api.ask('POST', '/incidents', {
        incident: { type: 'incident', title: 'Contract', service },
      });
      expectValid(made, 201, 'post', '/incidents');
      const path = `/incidents/${incidentId(made)}`;
      expectValid(await api.ask('GET', path), 200, 'get', '/incidents/{id}');
      const acked = await api.ask('PUT', path, {
        incident: { type: 'incident', status: 'acknowledged' },
      });
      expectValid(acked, 200, 'put', '/incidents/{id}');
      const note = await api.ask('POST', `${path}/notes`, { note: { content: 'Looking' } });
      expectValid(note, 200, 'post', '/incidents/{id}/notes');
      expectValid(await api.ask('GET', `${path}/notes`), 200, 'get', '/incidents/{id}/notes');
      const snoozed = await api.ask('POST', `${path}/snooze`, { duration: 60 });
      expectValid(snoozed, 201, 'post', '/incidents/{id}/snooze');
      expectValid(await api.ask('GET', `${path}/alerts`), 200, 'get', '/incidents/{id}/alerts');
      expectValid(await api.ask('GET', '/incidents?total=true'), 200, 'get', '/incidents');
    });
  });
});

/** OpenAPI 3.0 says `nullable` where JSON Schema has a type `null`. */
function nullable(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(nullable);
  if (typeof part !== 'object' || part === null) return part;
  const copy = Object.fromEntries(
    Object.entries(part).map(([name, value]) => [name, nullable(value)]),
  );
  const isNullable = copy['nullable'] === true && typeof copy['type'] === 'string';
  return isNullable ? { ...copy, type: [copy['type'], 'null'] } : copy;
}

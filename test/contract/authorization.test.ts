/**
 * Who may do what, for every operation of the served description and every kind of key: what the one table
 * of permissions allows succeeds, everything else is refused and leaves nothing changed; no id of another
 * account, or of another object's part, opens anything, wherever in a request it stands.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { defineSearchAttributeKey } from '@temporalio/common';

import { can } from '../../domain/permissions.ts';
import { GUARDED, type Guarded } from '../support/authorization-table.ts';
import {
  AuthorizationObjects,
  KINDS,
  type Ids,
  type Kind,
} from '../support/authorization-objects.ts';
import { AuthorizationWorld, type Credential } from '../support/authorization-world.ts';
import { SEARCH_ATTRIBUTES } from '../../temporal-config/names.ts';
import { at, openIncidentApi, type IncidentApi } from '../support/incident-api.ts';

const INCIDENT_ID = defineSearchAttributeKey(SEARCH_ATTRIBUTES.incident, 'KEYWORD');
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const CODES: Readonly<Record<number, number>> = { 400: 2001, 401: 2006, 403: 2010 };
/** Kinds that belong to the object whose id stands before theirs in a path. */
const PARTS: readonly Kind[] = [
  'methodId',
  'ruleId',
  'memberId',
  'overrideId',
  'integrationId',
  'alertId',
];

let api: IncidentApi;
let working: Promise<unknown>;
const over = Promise.withResolvers<undefined>();
let ours: AuthorizationWorld;
let theirs: AuthorizationWorld;
let objects: AuthorizationObjects;
let ids: Ids;
let beside: Ids;
let foreign: Ids;

beforeAll(async () => {
  const codes: { readonly code: string }[] = [];
  api = await openIncidentApi({
    sendVerification: (sent) => Promise.resolve(void codes.push(sent)),
  });
  working = api.whileWorking(() => over.promise);
  ours = new AuthorizationWorld(api, 'demo');
  theirs = new AuthorizationWorld(api, 'pdlite-operations');
  await ours.addKeys();
  await theirs.addKeys();
  objects = new AuthorizationObjects(ours, api, codes);
  ids = await objects.all();
  beside = await objects.all();
  foreign = await new AuthorizationObjects(theirs, api, codes).all();
});
afterAll(async () => {
  over.resolve(undefined);
  await working;
  await api.close();
});

test('the table knows every operation of the description that needs a key, and no other', async () => {
  const document: unknown = await (await fetch(`${api.url}/openapi.json`)).json();
  const paths = Object.values(at(document, 'paths') as Record<string, object>);
  const operations = paths.flatMap((path) => METHODS.flatMap((method) => at(path, method) ?? []));
  const guarded = operations.filter((operation) => at(operation, 'security', '0') !== undefined);
  const names = guarded.map((operation) => String(at(operation, 'operationId')));
  expect(names.sort(), 'a new operation belongs into authorization-table.ts').toEqual(
    Object.keys(GUARDED).sort(),
  );
});

interface Attempt {
  readonly credential: Credential;
  readonly wanted: Ids;
  /** 200 stands for any success. */
  readonly status: number;
}

function expected(guarded: Guarded, { actor }: Credential, wanted: Ids): number {
  if (!actor) return 401;
  const target = guarded.permission === 'own_user:write' ? { userId: wanted.userId } : {};
  if (!can(actor, guarded.permission, target).allowed) return 403;
  return guarded.ofUser && actor.userId === null ? 400 : 200;
}

/** Everybody's attempt on somebody else, and where that makes a difference on themselves. */
async function attemptsOf(guarded: Guarded): Promise<readonly Attempt[]> {
  const attempts: Attempt[] = [];
  for (const credential of ours.credentials) {
    const userId = credential.actor?.userId;
    const self = guarded.permission === 'own_user:write' && userId ? [await ownIds(userId)] : [];
    for (const wanted of [ids, ...self])
      attempts.push({ credential, wanted, status: expected(guarded, credential, wanted) });
  }
  return attempts;
}

const own = new Map<string, Ids>();
async function ownIds(userId: string): Promise<Ids> {
  const known =
    own.get(userId) ?? (await objects.renewed(['methodId', 'ruleId'], { ...ids, userId }));
  own.set(userId, known);
  return known;
}

async function expectAnswer(name: string, guarded: Guarded, attempt: Attempt): Promise<void> {
  const { credential, wanted, status } = attempt;
  const answer = await ours.ask(guarded.request(wanted), credential.authorization);
  const said = `${name} with ${credential.name}: ${answer.status} ${JSON.stringify(answer.body)}`;
  if (status === 200) {
    expect(Math.floor(answer.status / 100), said).toBe(2);
    return;
  }
  expect(answer.status, said).toBe(status);
  expect(at(answer.body, 'error', 'code'), said).toBe(CODES[status]);
}

/** What could have changed, in both accounts. */
async function state(): Promise<readonly unknown[]> {
  const incidents = [`/incidents/${ids.incidentId}`, `/incidents/${ids.sourceId}`];
  const views = incidents.map(async (path) => (await ours.asOwner({ method: 'GET', path })).body);
  const their = { method: 'GET', path: `/incidents/${foreign.incidentId}` };
  return Promise.all([...views, theirs.asOwner(their), ours.fingerprint(), theirs.fingerprint()]);
}

/** The kinds of ids in a request, and those in its path. */
function kindsIn(guarded: Guarded): {
  readonly all: readonly Kind[];
  readonly path: readonly Kind[];
} {
  const marks = Object.fromEntries(KINDS.map((kind) => [kind, `<${kind}>`])) as Ids;
  const { path, body } = guarded.request(marks);
  const find = (text: string) => KINDS.filter((kind) => text.includes(`<${kind}>`));
  return { all: find(path + JSON.stringify(body ?? null)), path: find(path) };
}

describe.each(Object.entries(GUARDED))('%s', (name, guarded) => {
  test('succeeds for whom the table allows it; whoever is refused changes nothing', async () => {
    const attempts = await attemptsOf(guarded);
    const before = await state();
    const refused = attempts.filter(({ status }) => status !== 200);
    await Promise.all(refused.map((attempt) => expectAnswer(name, guarded, attempt)));
    expect(await state()).toEqual(before);
    // Somebody else is a new user each time: there are only so many contact methods and codes for one.
    const somebody: readonly Kind[] =
      guarded.permission === 'own_user:write' ? ['userId', 'methodId', 'ruleId'] : [];
    for (const attempt of attempts) {
      if (attempt.status !== 200) continue;
      const kinds = attempt.wanted === ids ? [...somebody, ...guarded.fresh] : guarded.fresh;
      await expectAnswer(name, guarded, {
        ...attempt,
        wanted: await objects.renewed(kinds, attempt.wanted),
      });
    }
  });

  const { all, path } = kindsIn(guarded);
  if (all.length > 0)
    test('opens nothing by the ids of another account', async () => {
      const before = await state();
      const single = all.filter((kind) => kind !== 'code').map((kind) => [kind]);
      const attempts = [all, ...single].map(async (kinds) => {
        const mixed = { ...ids, ...Object.fromEntries(kinds.map((kind) => [kind, foreign[kind]])) };
        const answer = await ours.asOwner(guarded.request(mixed));
        const said = `${name} with their ${kinds.join(', ')}: ${JSON.stringify(answer.body)}`;
        expect(path.length === all.length ? [404] : [400, 404], said).toContain(answer.status);
      });
      await Promise.all(attempts);
      expect(await state()).toEqual(before);
    });

  const part = path.find((kind) => PARTS.includes(kind));
  if (part)
    test('does not reach a part through another object than its own', async () => {
      const before = await state();
      const answer = await ours.asOwner(guarded.request({ ...ids, [part]: beside[part] }));
      expect(answer.status, JSON.stringify(answer.body)).toBe(404);
      expect(await state()).toEqual(before);
    });
});

test('no refused request has started an incident', async () => {
  const count = async () => {
    // A run that goes on in a fresh history is the same incident; one that opens the next is another.
    const started = new Set<string>();
    for await (const { typedSearchAttributes, workflowId } of api.temporal.client.workflow.list())
      started.add(typedSearchAttributes.get(INCIDENT_ID) ?? workflowId);
    return started.size;
  };
  await expect.poll(count, { timeout: 10_000, interval: 200 }).toBe(ours.started + theirs.started);
});

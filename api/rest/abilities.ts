import { z } from 'zod';

import { defineRoute, type Route } from '../route.ts';
import { notFound } from './shared/rest-error.ts';
import { idParams, ok } from './shared/schemas.ts';

/** PagerDuty's names of what this product can do; clients ask before they use it. */
const ABILITIES: readonly string[] = [
  'coordinated_responding',
  'manage_api_keys',
  'manage_schedules',
  'read_only_users',
  'team_responders',
  'teams',
  'urgencies',
];

/** `/abilities`. */
export function createAbilityRoutes(): readonly Route[] {
  const common = { tag: 'Abilities', permission: 'configuration:read' } as const;
  return [
    defineRoute({
      ...common,
      method: 'get',
      path: '/abilities',
      operationId: 'listAbilities',
      summary: 'What the account can do',
      responses: { 200: ok('Abilities.', z.object({ abilities: z.array(z.string()) })) },
      handle: () => Promise.resolve({ status: 200, body: { abilities: ABILITIES } }),
    }),
    defineRoute({
      ...common,
      method: 'get',
      path: '/abilities/{id}',
      operationId: 'getAbility',
      summary: 'Whether the account can do this',
      params: idParams,
      responses: { 204: ok('It can.') },
      handle: ({ params }) => {
        if (!ABILITIES.includes(params.id)) throw notFound();
        return Promise.resolve({ status: 204 });
      },
    }),
  ];
}

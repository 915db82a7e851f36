import { z } from 'zod';

import type { Page, PageOf } from '../../../db/read/incidents.ts';
import { invalidInput } from './rest-error.ts';

const LIMIT_MAX = 100;
/** `offset + limit` may not go beyond it, as in PagerDuty. */
const REACH_MAX = 10_000;

/** Query parameters of every paged list. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(10_000).default(25).describe('At most 100.'),
  offset: z.coerce.number().int().min(0).default(0),
  total: z.enum(['true', 'false']).default('false').describe('Whether to count; slower.'),
};

/** A query parameter that can be given several times: `name[]=a&name[]=b`. */
export const listParam = z.array(z.string().max(100)).max(100).optional();

/** `query`, the search of every list. */
export const searchParam = z.string().max(255).optional();

/** Reads the page that is asked for; a larger limit counts as 100. @throws RestError 400 beyond 10,000 */
export function readPage(query: {
  readonly limit: number;
  readonly offset: number;
  readonly total: 'true' | 'false';
}): Page {
  const limit = Math.min(query.limit, LIMIT_MAX);
  if (query.offset + limit > REACH_MAX) {
    throw invalidInput(`offset + limit must not exceed ${REACH_MAX}`);
  }
  return { limit, offset: query.offset, total: query.total === 'true' };
}

/** The body of a paged list: `{"users":[…],"limit","offset","more","total"}`. */
export function pageBody<T>(
  name: string,
  items: readonly unknown[],
  page: Page,
  { more, total }: Pick<PageOf<T>, 'more' | 'total'>,
): Record<string, unknown> {
  return { [name]: items, limit: page.limit, offset: page.offset, more, total };
}

/** One page of a list that is in memory. */
export function pageOfAll<T>(all: readonly T[], page: Page): PageOf<T> {
  const end = page.offset + page.limit;
  return {
    items: all.slice(page.offset, end),
    more: all.length > end,
    total: page.total ? all.length : null,
  };
}

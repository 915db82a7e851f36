import type { GenericMapping } from '../model.ts';
import { cutText, isLonger, scalarText, shortKey } from './fields.ts';
import { fitEvent } from './fit.ts';
import { MAX_SUMMARY, MAX_TEXT } from './limits.ts';
import { Problems } from './problems.ts';
import { severityOfWord } from './severity.ts';
import type { Normalised } from './types.ts';

/** Where a generic integration without a mapping of its own looks. */
export const DEFAULT_MAPPING: GenericMapping = {
  summary: '/summary',
  source: '/source',
  severity: '/severity',
  dedupKey: '/dedup_key',
  action: '/action',
  resolveValues: ['resolve', 'resolved', 'ok', 'recovered', 'closed'],
};

/** Any JSON, read by the integration's mapping. The whole body becomes the custom details. */
export function normaliseGeneric(
  body: unknown,
  mapping: GenericMapping | null,
  lenient: boolean,
): Normalised {
  const problems = new Problems();
  const where = mapping ?? DEFAULT_MAPPING;
  const at = (pointer: string | undefined): string | null =>
    pointer === undefined ? null : scalarText(resolvePointer(body, pointer));
  const action = isResolve(at(where.action), where) ? 'resolve' : 'trigger';
  const key = at(where.dedupKey);
  if (action === 'resolve' && key === null) {
    problems.fatal(
      `'${where.dedupKey ?? 'dedup key'}' is missing or blank, and a resolve needs it`,
    );
  }
  const event = fitEvent({
    action,
    dedupKey: key === null ? null : shortKey(key),
    payload: action === 'resolve' ? null : readPayload(body, where, at, problems),
    client: null,
    clientUrl: null,
    links: [],
    images: [],
  });
  return problems.conclude([event], lenient);
}

function isResolve(value: string | null, { resolveValues = [] }: GenericMapping): boolean {
  const given = value?.toLowerCase();
  return resolveValues.some((candidate) => candidate.toLowerCase() === given);
}

function readPayload(
  body: unknown,
  where: GenericMapping,
  at: (pointer: string | undefined) => string | null,
  problems: Problems,
) {
  const summary = at(where.summary);
  if (summary === null) problems.mended(`'${where.summary}' is missing or blank`);
  else if (isLonger(summary, MAX_SUMMARY)) {
    problems.mended(`'${where.summary}' is too long (maximum is ${MAX_SUMMARY} characters)`);
  }
  const word = at(where.severity);
  return {
    summary: cutText(summary ?? 'Alert without a summary', MAX_SUMMARY),
    source: cutText(at(where.source) ?? 'generic integration', MAX_TEXT),
    // What is not understood pages as the worst.
    severity: (word === null ? null : severityOfWord(word)) ?? ('critical' as const),
    timestamp: null,
    component: null,
    group: null,
    class: null,
    customDetails: body,
  };
}

/** RFC 6901; undefined where it leads nowhere. Total: only own properties are looked at. */
export function resolvePointer(document: unknown, pointer: string): unknown {
  if (pointer === '') return document;
  if (!pointer.startsWith('/')) return undefined;
  let value = document;
  for (const token of pointer.slice(1).split('/')) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
}

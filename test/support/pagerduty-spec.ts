import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { Ajv } from 'ajv';

import { at } from './incident-api.ts';

const FILE = fileURLToPath(
  new URL('../../../shared/specs/pagerduty-rest-v2.openapi.json', import.meta.url),
);

/** One operation as PagerDuty describes it. */
export interface DescribedByPagerDuty {
  /** Names of its query parameters. */
  readonly query: readonly string[];
  /** Status codes that it describes. */
  readonly statuses: readonly number[];
}

/** PagerDuty's own description of its REST API v2. */
export class PagerDutySpec {
  readonly #document: unknown;
  readonly #ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });

  constructor(document: unknown) {
    this.#document = document;
    this.#ajv.addSchema(nullable(document) as object, 'spec');
  }

  /** Undefined where PagerDuty has no such operation. `path` as in the description: `/users/{id}`. */
  operation(method: string, path: string): DescribedByPagerDuty | undefined {
    const item = at(this.#document, 'paths', path);
    const operation = at(item, method);
    if (operation === undefined) return undefined;
    const parameters = [at(item, 'parameters'), at(operation, 'parameters')]
      .flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []))
      .map((parameter) => this.#resolve(parameter));
    const query = parameters.filter((parameter) => at(parameter, 'in') === 'query');
    const responses = at(operation, 'responses') as object;
    return {
      query: query.map((parameter) => String(at(parameter, 'name'))),
      statuses: Object.keys(responses).map(Number),
    };
  }

  /**
   * What is wrong with a body that was answered; empty when it is as described. What PagerDuty's own example of
   * that answer gets wrong too is a mistake of the description.
   */
  errorsIn(
    answer: { readonly status: number; readonly body: unknown },
    method: string,
    path: string,
  ): readonly string[] {
    const place = ['paths', path, method, 'responses', String(answer.status)];
    const response = at(this.#document, ...place);
    const shared = at(response, '$ref');
    const content = at(this.#resolve(response), 'content', 'application/json');
    if (at(content, 'schema') === undefined) return [];
    const base = typeof shared === 'string' ? shared.slice(2) : place.map(escape).join('/');
    const $ref = `spec#/${encodeURI(base)}/content/application~1json/schema`;
    const validate = this.#ajv.compile({ $ref });
    const errorsOf = (body: unknown) => {
      validate(body);
      return (validate.errors ?? []).map(
        ({ instancePath, message }) => `${instancePath} ${message ?? ''}`,
      );
    };
    const anywhere = (text: string) => text.replaceAll(/\/\d+/g, '/*');
    const known = new Set(examplesOf(content).flatMap(errorsOf).map(anywhere));
    return errorsOf(answer.body).filter((text) => !known.has(anywhere(text)));
  }

  #resolve(part: unknown): unknown {
    const reference = at(part, '$ref');
    if (typeof reference !== 'string') return part;
    const names = reference.slice(2).split('/');
    return this.#resolve(at(this.#document, ...names.map(unescape)));
  }
}

/** Undefined, and said so, where the description is not beside the project. */
export function openPagerDutySpec(): PagerDutySpec | undefined {
  if (existsSync(FILE)) return new PagerDutySpec(JSON.parse(readFileSync(FILE, 'utf8')));
  console.warn('skipped: PagerDuty’s description is not beside the project');
  return undefined;
}

const escape = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1');
const unescape = (name: string) => name.replaceAll('~1', '/').replaceAll('~0', '~');

function examplesOf(content: unknown): readonly unknown[] {
  const single = at(content, 'example');
  const several = Object.values(at(content, 'examples') ?? {});
  return [...(single === undefined ? [] : [single]), ...several.map((one) => at(one, 'value'))];
}

/** OpenAPI 3.0's `nullable` in the words of JSON Schema; some null is told only in a description. */
function nullable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(nullable);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, part]) => [name, nullable(part)] as const);
  const { nullable: isNullable, ...rest } = Object.fromEntries(entries) as Record<string, unknown>;
  const told = typeof rest['description'] === 'string' && rest['description'].includes('If `null`');
  return isNullable === true || told ? { anyOf: [rest, { type: 'null' }] } : rest;
}

import type { Knex } from 'knex';

import type { Page, PageOf } from '../read/incidents.ts';

/** One transaction that sees one account's rows (`Database.inAccount`). */
export type Trx = Knex.Transaction;

/** How one table's rows become the items of domain/model.ts and back. */
export interface TableSpec<Row extends object, Item extends { readonly id: string }> {
  readonly name: string;
  readonly toItem: (row: Row) => Item;
  readonly toRow: (item: Item) => Readonly<Record<string, unknown>>;
  /** Columns that `query` searches, without regard to case. */
  readonly search: readonly string[];
  readonly orderBy: string;
}

export interface ListOptions {
  readonly page: Page;
  readonly query?: string | undefined;
  /** The table's order from its end. */
  readonly descending?: boolean;
  /** Column and accepted values. */
  readonly among?: readonly (readonly [column: string, values: readonly string[]])[];
  /** `text[]` columns of which one value must match. */
  readonly overlaps?: readonly (readonly [column: string, values: readonly string[]])[];
}

/** What every table of configuration offers; all of it sees and writes one account only. */
export interface Table<Item extends { readonly id: string }> {
  list(trx: Trx, options: ListOptions): Promise<PageOf<Item>>;
  /** All that match, at most 10,000, in the table's order. */
  where(trx: Trx, column: string, values: readonly string[]): Promise<readonly Item[]>;
  all(trx: Trx): Promise<readonly Item[]>;
  find(trx: Trx, id: string): Promise<Item | undefined>;
  insert(trx: Trx, accountId: string, item: Item): Promise<void>;
  update(trx: Trx, item: Item): Promise<void>;
  /** Whether there was such a row. */
  remove(trx: Trx, id: string): Promise<boolean>;
}

const ALL_MAX = 10_000;

/** The common operations on one table of configuration. */
export function createTable<Row extends object, Item extends { readonly id: string }>(
  spec: TableSpec<Row, Item>,
): Table<Item> {
  const items = (rows: unknown) => (rows as readonly Row[]).map((row) => spec.toItem(row));
  return {
    list: async (trx, options) => {
      const { page } = options;
      const found: unknown = await filtered(trx, spec, options)
        .select('*')
        .orderBy(
          [spec.orderBy, 'id'].map((column) => ({
            column,
            order: options.descending ? 'desc' : 'asc',
          })),
        )
        .limit(page.limit + 1)
        .offset(page.offset);
      const total = page.total ? await countRows(filtered(trx, spec, options)) : null;
      const all = items(found);
      return { items: all.slice(0, page.limit), more: all.length > page.limit, total };
    },
    where: async (trx, column, values) =>
      values.length === 0
        ? []
        : items(await trx(spec.name).whereIn(column, values).orderBy(spec.orderBy).limit(ALL_MAX)),
    all: async (trx) => items(await trx(spec.name).orderBy(spec.orderBy).limit(ALL_MAX)),
    find: async (trx, id) => items(await trx(spec.name).where({ id }))[0],
    insert: async (trx, accountId, item) => {
      await trx(spec.name).insert({ ...spec.toRow(item), id: item.id, account_id: accountId });
    },
    update: async (trx, item) => {
      await trx(spec.name).where({ id: item.id }).update(spec.toRow(item));
    },
    remove: async (trx, id) => (await trx(spec.name).where({ id }).delete()) > 0,
  };
}

function filtered(
  trx: Trx,
  spec: { readonly name: string; readonly search: readonly string[] },
  { query, among = [], overlaps = [] }: ListOptions,
): Knex.QueryBuilder {
  const builder = trx(spec.name);
  for (const [column, values] of among) if (values.length > 0) void builder.whereIn(column, values);
  for (const [column, values] of overlaps) {
    if (values.length > 0) void builder.whereRaw('?? && ?::text[]', [column, [...values]]);
  }
  if (query) {
    // position() takes the text as it is: no wildcard to escape
    const test = spec.search.map(() => 'position(lower(?) in lower(??)) > 0').join(' or ');
    void builder.whereRaw(
      `(${test})`,
      spec.search.flatMap((column) => [query, column]),
    );
  }
  return builder;
}

/** How many rows the query finds. */
export async function countRows(builder: Knex.QueryBuilder): Promise<number> {
  const rows: unknown = await builder.count({ total: '*' });
  return Number((rows as readonly { readonly total: unknown }[])[0]?.total ?? 0);
}

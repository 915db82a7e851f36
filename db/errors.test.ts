// Each SQLSTATE and each failure of driver and pool is of exactly the class that decides what is done about it.
import { expect, it } from 'vitest';

import {
  classifyDatabaseError,
  databaseReason,
  DatabaseUnavailableError,
  OutcomeUnknownError,
} from './errors.ts';

const withCode = (code: string, detail?: string) => Object.assign(new Error('x'), { code, detail });

it.each([
  ['25006', 'read_only'],
  ['53100', 'read_only'],
  ['53000', 'unavailable'],
  ['53200', 'unavailable'],
  ['53300', 'unavailable'],
  ['53400', 'unavailable'],
  ['57P01', 'unavailable'],
  ['57P02', 'unavailable'],
  ['57P03', 'unavailable'],
  ['57P04', 'unavailable'],
  ['57P05', 'unavailable'],
  ['57014', 'unavailable'],
  ['25P03', 'unavailable'],
  ['3D000', 'unavailable'],
  ['58030', 'unavailable'],
  ['28P01', 'unavailable'],
  ['08000', 'unavailable'],
  ['08001', 'unavailable'],
  ['08003', 'unavailable'],
  ['08006', 'unavailable'],
  ['08P01', 'unavailable'],
  ['ECONNREFUSED', 'unavailable'],
  ['ECONNRESET', 'unavailable'],
  ['40001', 'retry'],
  ['40P01', 'retry'],
  ['55P03', 'retry'],
  ['23505', 'conflict'],
  ['23502', 'invalid'],
  ['23503', 'invalid'],
  ['23514', 'invalid'],
  ['22P02', 'invalid'],
  ['42501', 'other'],
  ['42P01', 'other'],
  ['25P02', 'other'],
  ['XX000', 'other'],
])('%s is %s', (code, expected) => {
  expect(classifyDatabaseError(withCode(code))).toBe(expected);
});

it('tells a row that is still needed from a reference that leads nowhere', () => {
  const needed = withCode('23503', 'Key (id)=(P1) is still referenced from table "services".');
  expect(classifyDatabaseError(needed)).toBe('conflict');
});

it.each([
  new Error('Connection terminated unexpectedly'),
  new Error('timeout expired'),
  new Error('Knex: Timeout acquiring a connection. The pool is probably full.'),
  new Error('Query read timeout'),
  new Error('timeout exceeded when trying to connect'),
  new Error('Client was closed and is not queryable'),
  new DatabaseUnavailableError('PostgreSQL does not answer'),
  new OutcomeUnknownError('the connection ended while it committed'),
  new AggregateError([withCode('ECONNREFUSED')]),
])('%s is unavailable', (error) => {
  expect(classifyDatabaseError(error)).toBe('unavailable');
});

it('is total', () => {
  for (const value of [undefined, null, 'text', {}, new Error('x'), new AggregateError([])]) {
    expect(classifyDatabaseError(value)).toBe('other');
  }
});

it('the reason leaves out the statement, and keeps the code', () => {
  const answer = Object.assign(new Error('insert into "users" values ($1) - disk is full'), {
    ...{ code: '53100', severity: 'ERROR' },
  });
  expect(databaseReason(answer)).toBe('disk is full (53100)');
  expect(databaseReason(withCode('ECONNREFUSED'))).toBe('x (ECONNREFUSED)');
  expect(databaseReason(new Error('Connection terminated - unexpectedly'))).toBe(
    'Connection terminated - unexpectedly',
  );
  expect(databaseReason('text')).toBe('text');
});

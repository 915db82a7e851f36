/**
 * What a failed call to PostgreSQL means for whoever made it. `read_only` and `unavailable`: do without the
 * database (degrade); `retry`: the same transaction may well succeed when run again; `conflict` and `invalid`:
 * the caller has to change something; `other`: a mistake of ours.
 */
export type DatabaseErrorClass =
  /** Reading works, writing does not (standby, operator's freeze, full disk). */
  | 'read_only'
  /** No connection, none to be had in time, or one that ended under way. */
  | 'unavailable'
  /** Another row already has that key, or other rows still need this one. */
  | 'conflict'
  /** The values are refused: a check, a missing reference, a wrong type. */
  | 'invalid'
  /** The same transaction may well succeed when run again. */
  | 'retry'
  | 'other';

/** No try was made, or it was given up, because the server does not answer; `cause` is how that was found. */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError';
}

/**
 * The connection ended while it committed: the change is either whole or not there, and only looking for it
 * tells. It is classed `unavailable`.
 */
export class OutcomeUnknownError extends Error {
  override readonly name = 'OutcomeUnknownError';
}

const BY_CODE: Readonly<Record<string, DatabaseErrorClass>> = {
  '25006': 'read_only', // read_only_sql_transaction
  '53100': 'read_only', // disk_full
  '25P03': 'unavailable', // idle_in_transaction_session_timeout
  '3D000': 'unavailable', // invalid_catalog_name: being restored, or not made yet
  '53000': 'unavailable', // insufficient_resources
  '53200': 'unavailable', // out_of_memory
  '53300': 'unavailable', // too_many_connections
  '53400': 'unavailable', // configuration_limit_exceeded
  '57014': 'unavailable', // query_canceled: the statement timeout
  '57P01': 'unavailable', // admin_shutdown
  '57P02': 'unavailable', // crash_shutdown
  '57P03': 'unavailable', // cannot_connect_now
  '57P04': 'unavailable', // database_dropped
  '57P05': 'unavailable', // idle_session_timeout
  '58000': 'unavailable', // system_error
  '58030': 'unavailable', // io_error
  '55P03': 'retry', // lock_not_available
  '40001': 'retry', // serialization_failure; on a standby: a conflict with recovery
  '40P01': 'retry', // deadlock_detected
  '23505': 'conflict', // unique_violation
  '23001': 'conflict', // restrict_violation
  '23502': 'invalid', // not_null_violation
  '23503': 'invalid', // foreign_key_violation
  '23514': 'invalid', // check_violation
  ECONNREFUSED: 'unavailable',
  ECONNRESET: 'unavailable',
  ECONNABORTED: 'unavailable',
  EPIPE: 'unavailable',
  ETIMEDOUT: 'unavailable',
  EHOSTUNREACH: 'unavailable',
  EHOSTDOWN: 'unavailable',
  ENETUNREACH: 'unavailable',
  ENOTFOUND: 'unavailable',
  EAI_AGAIN: 'unavailable',
};

/** Classes of SQLSTATEs, where the code itself is not in the table: connection_exception, data_exception, authorization. */
const BY_PREFIX: Readonly<Record<string, DatabaseErrorClass>> = {
  '08': 'unavailable',
  '22': 'invalid',
  '28': 'unavailable',
};

// Neither the driver nor the pool gives these a code.
const UNAVAILABLE_TEXTS = [
  'Connection terminated',
  'timeout expired',
  'timeout exceeded when trying to connect',
  'Timeout acquiring a connection',
  'Query read timeout',
  'Client has encountered a connection error',
  'Client was closed',
  'Unable to acquire a connection',
];

/**
 * Classes whatever the driver, the pool or PostgreSQL threw; total. A foreign key violation is a conflict
 * when a row that others need is deleted, and invalid when a reference leads nowhere.
 */
export function classifyDatabaseError(error: unknown): DatabaseErrorClass {
  if (error instanceof AggregateError) return classifyDatabaseError(error.errors[0]);
  if (!(error instanceof Error)) return 'other';
  if (isOwn(error)) return 'unavailable';
  const code = textField(error, 'code');
  if (code === '23503' && /still referenced/.test(textField(error, 'detail'))) return 'conflict';
  const known = BY_CODE[code] ?? BY_PREFIX[code.length === 5 ? code.slice(0, 2) : ''];
  if (known) return known;
  return UNAVAILABLE_TEXTS.some((text) => error.message.includes(text)) ? 'unavailable' : 'other';
}

function isOwn(error: Error): boolean {
  return error instanceof DatabaseUnavailableError || error instanceof OutcomeUnknownError;
}

/** What PostgreSQL said, without the statement that the query builder writes before it, and its code. */
export function databaseReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = textField(error, 'code');
  const isAnswer = textField(error, 'severity') !== '';
  const text = isAnswer ? (error.message.split(' - ').at(-1) ?? '') : error.message;
  return code === '' ? text : `${text} (${code})`;
}

function textField(error: Error, name: string): string {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : '';
}

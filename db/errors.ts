/** What a failed call to PostgreSQL means for whoever made it. */
export type DatabaseErrorClass =
  /** Reading works, writing does not (standby, operator's freeze, full disk). */
  | 'read_only'
  /** No connection, or none to be had in time. */
  | 'unavailable'
  /** Another row already has that key, or other rows still need this one. */
  | 'conflict'
  /** The values are refused: a check, a missing reference, a wrong type. */
  | 'invalid'
  /** The same transaction may well succeed when run again. */
  | 'retry'
  | 'other';

const BY_CODE: Readonly<Record<string, DatabaseErrorClass>> = {
  '25006': 'read_only', // read_only_sql_transaction
  '53100': 'read_only', // disk_full
  '53200': 'unavailable', // out_of_memory
  '53300': 'unavailable', // too_many_connections
  '57P01': 'unavailable', // admin_shutdown
  '57P02': 'unavailable', // crash_shutdown
  '57P03': 'unavailable', // cannot_connect_now
  '57014': 'unavailable', // query_canceled: the statement timeout
  '55P03': 'retry', // lock_not_available
  '40001': 'retry', // serialization_failure
  '40P01': 'retry', // deadlock_detected
  '23505': 'conflict', // unique_violation
  '23001': 'conflict', // restrict_violation
  '23502': 'invalid', // not_null_violation
  '23503': 'invalid', // foreign_key_violation
  '23514': 'invalid', // check_violation
  ECONNREFUSED: 'unavailable',
  ECONNRESET: 'unavailable',
  EPIPE: 'unavailable',
  ETIMEDOUT: 'unavailable',
  EHOSTUNREACH: 'unavailable',
  ENETUNREACH: 'unavailable',
  ENOTFOUND: 'unavailable',
  EAI_AGAIN: 'unavailable',
};

// Neither the driver nor the pool gives these a code.
const UNAVAILABLE_TEXTS = [
  'Connection terminated',
  'timeout expired',
  'Timeout acquiring a connection',
  'Query read timeout',
  'Client has encountered a connection error',
  'Unable to acquire a connection',
];

/**
 * Classes whatever the driver, the pool or PostgreSQL threw; total. A foreign key violation is a conflict
 * when a row that others need is deleted, and invalid when a reference leads nowhere.
 */
export function classifyDatabaseError(error: unknown): DatabaseErrorClass {
  if (error instanceof AggregateError) return classifyDatabaseError(error.errors[0]);
  if (!(error instanceof Error)) return 'other';
  const code = textField(error, 'code');
  if (code === '23503' && /still referenced/.test(textField(error, 'detail'))) return 'conflict';
  const known = BY_CODE[code];
  if (known) return known;
  if (/^08/.test(code)) return 'unavailable';
  if (/^22/.test(code)) return 'invalid';
  return UNAVAILABLE_TEXTS.some((text) => error.message.includes(text)) ? 'unavailable' : 'other';
}

function textField(error: Error, name: string): string {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : '';
}

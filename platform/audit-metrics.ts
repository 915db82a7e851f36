import { Gauge } from 'prom-client';

/** Audit records that wait for PostgreSQL: of refused attempts in the api, of incidents' log entries in the worker. */
export const auditPending = new Gauge({
  name: 'pdlite_audit_pending_records',
  help: 'Audit records that wait for PostgreSQL, as far as this process knows.',
});

/** Records that no signed head covers yet; only in the process that signs. */
export const auditUnsigned = new Gauge({
  name: 'pdlite_audit_unsigned_records',
  help: 'Audit records that no signed head covers yet.',
});

/** Accounts whose log is not what was signed: somebody changed it. Only in the process that signs. */
export const auditChanged = new Gauge({
  name: 'pdlite_audit_changed_accounts',
  help: 'Accounts whose audit log is not what was signed. Any is an alarm.',
});

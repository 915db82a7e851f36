import type { ReceiptState } from '../../domain/receipt.ts';

const MESSAGES: Readonly<Record<string, ReceiptState>> = {
  ...{ accepted: 'queued', scheduled: 'queued', queued: 'queued', sending: 'sent', sent: 'sent' },
  ...{ delivered: 'delivered', read: 'delivered', failed: 'failed', canceled: 'failed' },
};
const CALLS: Readonly<Record<string, ReceiptState>> = {
  ...{ queued: 'queued', initiated: 'queued', ringing: 'sent', answered: 'delivered' },
  ...{ 'in-progress': 'delivered', completed: 'delivered', canceled: 'failed', failed: 'failed' },
  ...{ busy: 'unreached', 'no-answer': 'unreached' },
};
/** The handset is off, unknown or cannot take texts: another vendor would not reach it either. */
const HANDSET_CODES: ReadonlySet<string> = new Set(['30003', '30005', '30006']);

/** What a message's status means; null for one that says nothing. */
export function messageReceipt(status: string, code: number | string | null): ReceiptState | null {
  if (status === 'undelivered') return HANDSET_CODES.has(`${code}`) ? 'unreached' : 'failed';
  return lookUp(MESSAGES, status);
}

/** What a call's status means; null for one that says nothing. A machine that picks up is nobody. */
export function callReceipt(status: string, answeredBy: string | null): ReceiptState | null {
  const state = lookUp(CALLS, status);
  return state === 'delivered' && /^(machine|fax)/.test(answeredBy ?? '') ? 'unreached' : state;
}

function lookUp(
  table: Readonly<Record<string, ReceiptState>>,
  status: string,
): ReceiptState | null {
  return Object.hasOwn(table, status) ? (table[status] ?? null) : null;
}

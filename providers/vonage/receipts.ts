import type { ReceiptState } from '../../domain/receipt.ts';

const MESSAGES: ReadonlyMap<string, ReceiptState> = new Map([
  ['submitted', 'sent'],
  ['accepted', 'sent'],
  ['delivered', 'delivered'],
  ['read', 'delivered'],
  ['rejected', 'failed'],
  ['undeliverable', 'failed'],
  ['failed', 'failed'],
  ['expired', 'unreached'],
]);
const CALLS: ReadonlyMap<string, ReceiptState> = new Map([
  ['started', 'queued'],
  ['ringing', 'sent'],
  ['answered', 'delivered'],
  ['human', 'delivered'],
  ['completed', 'delivered'],
  // A machine that picks up is nobody.
  ['machine', 'unreached'],
  ['busy', 'unreached'],
  ['unanswered', 'unreached'],
  ['timeout', 'unreached'],
  ['rejected', 'unreached'],
  ['cancelled', 'failed'],
  ['failed', 'failed'],
]);
/** The handset is off, busy or refuses: another vendor would not reach it either. */
const HANDSET_CODES: ReadonlySet<string> = new Set(['1180', '1190', '1200', '1230']);

/** What a message's status means; null for one that says nothing. */
export function messageReceipt(status: string, code: string | null): ReceiptState | null {
  const state = MESSAGES.get(status) ?? null;
  return state === 'failed' && HANDSET_CODES.has(code ?? '') ? 'unreached' : state;
}

/** What a call's status means; null for one that says nothing. */
export function callReceipt(status: string): ReceiptState | null {
  return CALLS.get(status) ?? null;
}

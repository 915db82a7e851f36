import { furtherReceipt, isFinalReceipt } from '../../domain/receipt.ts';
import type { ReceiptState } from '../../domain/receipt.ts';
import { responderOfDelivery } from '../../temporal-config/names.ts';
import type { ApiDeps } from '../deps.ts';
import { deliveryReceipts } from './metrics.ts';
import type { Responders } from './responders.ts';

/** Messages whose last report is remembered by one process; a report on a forgotten one counts again. */
const MAX_KNOWN = 10_000;

/** One report of a vendor, its signature checked. */
export interface Report {
  readonly vendor: 'twilio' | 'vonage';
  readonly channel: 'sms' | 'voice';
  readonly providerId: string;
  /** Null: a status that says nothing about how far it came. */
  readonly state: ReceiptState | null;
  /** The vendor's error code. */
  readonly code: string | null;
  /** Whose responder waits for it; null: nobody does. */
  readonly deliveryId: string | null;
}

/** Takes a report. Resolves once whoever waits for it was told, or could not be within two seconds. */
export type TakeReport = (report: Report) => Promise<void>;

/**
 * Reports about messages and calls, in any order and number: one counts only when it is further on than what
 * this process knows. What is final is passed on to the responder of an urgent page, as a signal.
 */
export function createReceipts(
  deps: Pick<ApiDeps, 'logger' | 'now'>,
  responders: Pick<Responders, 'receipt'>,
): TakeReport {
  const known = new Map<string, ReceiptState>();
  return async (report) => {
    const { vendor, channel, providerId, code, deliveryId } = report;
    const state = remember(known, report);
    if (state === null) return;
    deliveryReceipts.inc({ vendor, channel, state });
    const who = deliveryId === null ? null : responderOfDelivery(deliveryId);
    const at = deps.now().toISOString();
    const told =
      who !== null && deliveryId !== null && isFinalReceipt(state)
        ? await responders.receipt(who, { deliveryId, providerId, state, at, code })
        : 'nobody';
    // Not told: the vendor's next report, or the responder's own question, tells it.
    if (told === 'down') known.delete(providerId);
    deps.logger.info({ vendor, channel, providerId, state, code, deliveryId, told }, 'receipt');
  };
}

/** The state that is news; null when it is not. */
function remember(
  known: Map<string, ReceiptState>,
  { providerId, state }: Report,
): ReceiptState | null {
  const before = known.get(providerId) ?? null;
  if (providerId === '' || state === null || furtherReceipt(before, state) === before) return null;
  known.delete(providerId);
  known.set(providerId, state);
  const [oldest] = known.keys();
  if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
  return state;
}

/**
 * How far a message or call came, by the vendor's word. `unreached`: the vendor did its part, the phone did not
 * (busy, nobody picked up, switched off). `failed`: the vendor gave up.
 */
export type ReceiptState = 'queued' | 'sent' | 'delivered' | 'unreached' | 'failed';

/** The `receipt` signal to a responder: never an answer, so it never stops an escalation. */
export interface Receipt {
  /** `Delivery.deliveryId`. May come before the delivery's own outcome is known. */
  readonly deliveryId: string;
  /** The vendor's id, as in `DeliveryOutcome`. */
  readonly providerId: string;
  readonly state: ReceiptState;
  readonly at: string;
  /** The vendor's error code; null when there is none. */
  readonly code: string | null;
}

const RANKS: Readonly<Record<ReceiptState, number>> = {
  queued: 0,
  sent: 1,
  delivered: 2,
  unreached: 3,
  failed: 4,
};

/**
 * The state that two reports about one message make together, in whichever order and however often they came:
 * it never goes back. Of two that are final the worse is believed, since a page too many beats none.
 */
export function furtherReceipt(known: ReceiptState | null, next: ReceiptState): ReceiptState {
  return known !== null && RANKS[known] >= RANKS[next] ? known : next;
}

/** Whether nothing but a correction can follow. */
export function isFinalReceipt(state: ReceiptState): boolean {
  return RANKS[state] >= RANKS.delivered;
}

import type { AlertEvent } from '../event.ts';

/** What a sender said, without what the api adds (ids, times, trace). */
export type NormalisedEvent = Pick<
  AlertEvent,
  'action' | 'payload' | 'client' | 'clientUrl' | 'links' | 'images'
> & {
  /** Null: the sender gave none, which only a trigger may; the api makes one. */
  readonly dedupKey: string | null;
};

/** One body, understood or refused. Warnings say what a lenient integration let pass. */
export type Normalised =
  | {
      readonly ok: true;
      readonly events: readonly NormalisedEvent[];
      readonly warnings: readonly string[];
    }
  | { readonly ok: false; readonly errors: readonly string[] };

/** A change event, as it is kept. */
export interface NormalisedChange {
  readonly summary: string;
  readonly source: string | null;
  readonly timestamp: string | null;
  readonly customDetails: unknown;
  readonly links: AlertEvent['links'];
  readonly images: AlertEvent['images'];
}

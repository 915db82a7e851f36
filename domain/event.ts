import type { Severity } from './model.ts';

/**
 * An accepted event, whichever door it came through, already normalised (PagerDuty Events API v2's
 * words). This is the payload of the `event` signal.
 */
export interface AlertEvent {
  /** Made by the api, unique: duplicates of one event are recognised by it. */
  readonly eventId: string;
  readonly action: 'trigger' | 'acknowledge' | 'resolve';
  readonly integrationId: string | null;
  /** At most 255 characters. */
  readonly dedupKey: string;
  /** When the api accepted it, by its own clock. */
  readonly receivedAt: string;
  /** See `Told` in domain/incident/action.ts. */
  readonly waitedMs?: number;
  /** Absent on acknowledge and resolve. */
  readonly payload: AlertPayload | null;
  readonly client: string | null;
  readonly clientUrl: string | null;
  readonly links: readonly { readonly href: string; readonly text?: string }[];
  readonly images: readonly {
    readonly src: string;
    readonly href?: string;
    readonly alt?: string;
  }[];
  /** W3C trace context of the request, so that one trace runs from the alert to the answer. */
  readonly traceparent: string | null;
  /** The number of the incident, should this trigger open one. Absent: made from the time. */
  readonly incidentNumber?: number;
  /** Further triggers of the same key that the api folded into this one; absent: none. */
  readonly repeats?: {
    readonly count: number;
    /** When the api accepted the last of them. */
    readonly lastReceivedAt: string;
  };
}

export interface AlertPayload {
  /** At most 1,024 characters. */
  readonly summary: string;
  readonly source: string;
  readonly severity: Severity;
  readonly timestamp: string | null;
  readonly component: string | null;
  readonly group: string | null;
  readonly class: string | null;
  /** Already cut so that the whole event fits a Temporal payload. */
  readonly customDetails: unknown;
}

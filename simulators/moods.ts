import { z } from 'zod';

import type { Door, Vendor } from './items.ts';

/** How a door behaves. Unset fields of a mood mean the vendor's usual. */
export const moodSchema = z.strictObject({
  door: z.enum(['sms', 'voice', 'push', 'mail']),
  /** Of one vendor only; absent: of all that have the door. */
  vendor: z.enum(['twilio', 'vonage', 'smtp', 'smtp-2', 'ntfy']).optional(),
  /**
   * `refuse` resets the connection, `hang` never answers, `status` answers `status` (with the vendor's
   * `code`), `garbage` answers 200 with what is no answer; `silent`, `late`, `twice` and `disorder` take
   * the message and differ in what they report; `lie` reports
   * as usual what never arrives; `machine` answers calls as a machine would.
   */
  kind: z.enum([
    'ok',
    'refuse',
    'hang',
    'status',
    'garbage',
    'silent',
    'late',
    'twice',
    'disorder',
    'undelivered',
    'lie',
    'machine',
  ]),
  status: z.number().int().min(400).max(599).default(500),
  code: z.number().int().optional(),
  retryAfterSec: z.number().int().min(0).max(3600).optional(),
  /** `late`: before the first report. */
  delayMs: z.number().int().min(0).max(600_000).default(5000),
  /** Only for this address; absent: for all. */
  to: z.string().optional(),
  /** After so many requests it is over; absent: it stays. */
  times: z.number().int().min(1).optional(),
});

export type Mood = z.infer<typeof moodSchema>;
export type MoodKind = Mood['kind'];

const MAX_MOODS = 100;

/** The moods of all doors. The one set last that fits counts; at most 100 are kept, oldest dropped. */
export class Moods {
  #list: { readonly mood: Mood; left: number }[] = [];

  set(mood: Mood): void {
    const same = (other: Mood) =>
      other.door === mood.door && other.to === mood.to && other.vendor === mood.vendor;
    this.#list = this.#list.filter((entry) => !same(entry.mood));
    if (mood.kind === 'ok') return;
    this.#list = [...this.#list, { mood, left: mood.times ?? Infinity }].slice(-MAX_MOODS);
  }

  reset(): void {
    this.#list = [];
  }

  all(): readonly Mood[] {
    return this.#list.map((entry) => entry.mood);
  }

  /** The mood for everybody, without counting: for requests that concern no address. */
  look(door: Door, vendor: Vendor): Mood {
    const entry = this.#find(door, vendor, undefined);
    return entry?.mood ?? moodSchema.parse({ door, kind: 'ok' });
  }

  /** The mood for one request, which counts against its `times`. */
  take(door: Door, to: string, vendor: Vendor): Mood {
    const entry = this.#find(door, vendor, to);
    if (!entry) return moodSchema.parse({ door, kind: 'ok' });
    entry.left -= 1;
    if (entry.left <= 0) this.#list = this.#list.filter((other) => other !== entry);
    return entry.mood;
  }

  #find(door: Door, vendor: Vendor, to: string | undefined) {
    return this.#list.findLast(
      ({ mood }) =>
        mood.door === door &&
        (mood.vendor === undefined || mood.vendor === vendor) &&
        (mood.to === undefined || mood.to === to),
    );
  }
}

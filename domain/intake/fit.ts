import { cutText, isObject } from './fields.ts';
import { MAX_EVENT_BYTES } from './limits.ts';
import type { NormalisedEvent } from './types.ts';

/** Name of the entry that marks custom details as cut. */
export const CUT_MARK = 'pdlite_cut';
/** Bytes that the mark itself may take. */
const MARK_BYTES = 200;
/** Characters kept of a text that stands alone or is the first that does not fit. */
const PREVIEW = 4096;

/**
 * The event in at most 200,000 bytes of JSON: custom details lose what does not fit and are marked, and
 * images and links go when that is not enough. An event that fits is returned as it is.
 */
export function fitEvent<T extends NormalisedEvent>(event: T): T {
  if (jsonBytes(event) <= MAX_EVENT_BYTES) return event;
  const bare = withDetails(event, null);
  const rest = MAX_EVENT_BYTES - jsonBytes(bare);
  const details = event.payload?.customDetails;
  if (rest > MARK_BYTES) return withDetails(event, cutDetails(details, rest));
  const plain = { ...bare, links: [], images: [] };
  return withDetails(plain, cutDetails(details, MAX_EVENT_BYTES - jsonBytes(plain)));
}

function withDetails<T extends NormalisedEvent>(event: T, customDetails: unknown): T {
  return event.payload ? { ...event, payload: { ...event.payload, customDetails } } : event;
}

/** Custom details in at most `maxBytes` of JSON, with a mark that says what was cut. */
export function cutDetails(details: unknown, maxBytes: number): unknown {
  const bytes = jsonBytes(details);
  if (bytes <= maxBytes) return details;
  const mark = { [CUT_MARK]: `Cut: ${bytes} bytes were sent, more than is kept.` };
  const room = maxBytes - MARK_BYTES;
  if (!isObject(details)) {
    const preview = cutText(
      typeof details === 'string' ? details : JSON.stringify(details),
      PREVIEW,
    );
    return jsonBytes(preview) <= room ? { ...mark, preview } : mark;
  }
  return { ...keepEntries(details, room), ...mark };
}

/** The entries that fit, in their order; a long text is kept by its beginning. */
function keepEntries(
  details: Readonly<Record<string, unknown>>,
  maxBytes: number,
): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  let room = maxBytes;
  for (const [key, value] of Object.entries(details)) {
    const candidates = typeof value === 'string' ? [value, `${cutText(value, PREVIEW)}…`] : [value];
    const overhead = jsonBytes(key) + 2;
    const fitting = candidates.find((candidate) => overhead + jsonBytes(candidate) <= room);
    if (fitting === undefined) continue;
    kept[key] = fitting;
    room -= overhead + jsonBytes(fitting);
  }
  return kept;
}

/** Bytes of the value as JSON in UTF-8. */
export function jsonBytes(value: unknown): number {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) return 0;
  let bytes = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    // A surrogate pair is four bytes: two for each half.
    if (code >= 0x80) bytes += code >= 0x800 && (code < 0xd800 || code > 0xdfff) ? 2 : 1;
  }
  return bytes;
}

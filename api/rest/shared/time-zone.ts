import { wallClock } from '../../../domain/schedule/zone.ts';

/** Fields of answers that hold an instant. */
const INSTANTS = new Set([
  'at',
  'start',
  'end',
  'created_at',
  'updated_at',
  'resolved_at',
  'requested_at',
  'last_status_change_at',
  'rotation_virtual_start',
]);
/** What senders wrote is answered as they wrote it. */
const FOREIGN = new Set(['body', 'details', 'event_details']);
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;
const MINUTE_MS = 60_000;

/** PagerDuty's `time_zone`: the instants of an answer as a clock there shows them, `2026-11-23T13:00:00+01:00`. */
export function inTimeZone(body: unknown, timeZone: string): unknown {
  if (Array.isArray(body)) return body.map((item) => inTimeZone(item, timeZone));
  if (typeof body !== 'object' || body === null) return body;
  return Object.fromEntries(
    Object.entries(body).map(([name, value]: [string, unknown]) => {
      if (FOREIGN.has(name)) return [name, value];
      if (!INSTANTS.has(name) || typeof value !== 'string')
        return [name, inTimeZone(value, timeZone)];
      return [name, UTC.test(value) ? localTime(value, timeZone) : value];
    }),
  );
}

function localTime(instant: string, timeZone: string): string {
  const instantMs = Date.parse(instant);
  const wholeMs = Math.floor(instantMs / 1000) * 1000;
  const wallMs = wallClock(timeZone, wholeMs);
  const offset = Math.round((wallMs - wholeMs) / MINUTE_MS);
  const [date = ''] = new Date(wallMs).toISOString().split('.');
  return `${date}${offsetText(offset)}`;
}

function offsetText(minutes: number): string {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const two = (part: number) => String(part).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(hours)}:${two(rest)}`;
}

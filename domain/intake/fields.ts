import type { AlertEvent } from '../event.ts';
import { MAX_DEDUP_KEY, MAX_LINKS, MAX_TEXT, MAX_URL } from './limits.ts';
import type { Problems } from './problems.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Text of a string, number or boolean, without blanks around it; null for anything else and for blanks. */
export function scalarText(value: unknown): string | null {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    return null;
  }
  const text = String(value).trim();
  return text === '' ? null : text;
}

/** The first `max` characters (code points, as senders count them). */
export function cutText(text: string, max: number): string {
  return text.length <= max ? text : Array.from(text).slice(0, max).join('');
}

export function isLonger(text: string, max: number): boolean {
  return text.length > max && Array.from(text).length > max;
}

/** An optional text, cut to its limit. */
export function optionalText(value: unknown): string | null {
  const text = scalarText(value);
  return text === null ? null : cutText(text, MAX_TEXT);
}

/** A URL that may be shown as a link: http, https or mailto, at most 2,048 characters; else null. */
export function safeUrl(value: unknown): string | null {
  const text = scalarText(value);
  if (text === null || text.length > MAX_URL) return null;
  return /^(?:https?:\/\/|mailto:)[^\s\p{Cc}]+$/iu.test(text) ? text : null;
}

const TIMESTAMP =
  /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?([Zz]|[+-]\d\d(?::?\d\d)?)?)?$/;

/** ISO 8601 as met in the wild (no colon in the zone, nanoseconds, a blank for the T, no zone: UTC), or null. */
export function isoTimestamp(value: string): string | null {
  const match = TIMESTAMP.exec(value.trim());
  if (!match) return null;
  const [, date, time = '00:00', seconds = '00', fraction = '0', zone = 'Z'] = match;
  const milliseconds = fraction.padEnd(3, '0').slice(0, 3);
  const instant = new Date(`${date}T${time}:${seconds}.${milliseconds}${isoZone(zone)}`);
  return Number.isNaN(instant.getTime()) ? null : instant.toISOString();
}

function isoZone(zone: string): string {
  if (zone.toUpperCase() === 'Z') return 'Z';
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0');
  return `${zone.slice(0, 1)}${digits.slice(0, 2)}:${digits.slice(2)}`;
}

/** A list of objects; anything else is reported under `name` and taken for none. */
function objects(value: unknown, name: string, problems: Problems): readonly JsonObject[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every(isObject)) {
    problems.mended(`'${name}' is invalid (must be an array of objects)`);
    return [];
  }
  return value.slice(0, MAX_LINKS);
}

/** Links whose address may be shown; others are dropped, one without an address is reported. */
export function readLinks(value: unknown, problems: Problems): AlertEvent['links'] {
  return objects(value, 'links', problems).flatMap((link, index) => {
    if (scalarText(link['href']) === null) {
      problems.mended(`'links[${index}].href' is missing or blank`);
    }
    const href = safeUrl(link['href']);
    const text = optionalText(link['text']);
    return href === null ? [] : [{ href, ...(text === null ? {} : { text }) }];
  });
}

/** Images by https; others are dropped, one without a source is reported. */
export function readImages(value: unknown, problems: Problems): AlertEvent['images'] {
  return objects(value, 'images', problems).flatMap((image, index) => {
    if (scalarText(image['src']) === null) {
      problems.mended(`'images[${index}].src' is missing or blank`);
    }
    const src = safeUrl(image['src']);
    const href = safeUrl(image['href']);
    const alt = optionalText(image['alt']);
    const rest = { ...(href === null ? {} : { href }), ...(alt === null ? {} : { alt }) };
    return src?.toLowerCase().startsWith('https:') === true ? [{ src, ...rest }] : [];
  });
}

/**
 * A dedup key, or null where there is none. A key that is too long is reported, and shortened so that the
 * same long key always gives the same short one and different keys almost never do.
 */
export function readDedupKey(value: unknown, name: string, problems: Problems): string | null {
  if (value !== undefined && value !== null && typeof value !== 'string') {
    problems.mended(`'${name}' is invalid (must be a string)`);
  }
  const text = scalarText(value);
  if (text === null || !isLonger(text, MAX_DEDUP_KEY)) return text;
  problems.mended(`'${name}' is too long (maiximum is ${MAX_DEDUP_KEY} characters)`);
  return shortKey(text);
}

/** The key itself, or its beginning and a 64-bit digest of the whole. */
export function shortKey(text: string): string {
  return isLonger(text, MAX_DEDUP_KEY) ? `${cutText(text, 200)}…${digest(text)}` : text;
}

/** FNV-1a twice with different offsets: for telling long keys apart, not for security. */
function digest(text: string): string {
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (let i = 0; i < text.length; i += 1) {
    a = Math.imul(a ^ text.charCodeAt(i), 0x01000193);
    b = Math.imul(b ^ text.charCodeAt(i), 0x85ebca6b) ^ (b >>> 13);
  }
  return [a, b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
}

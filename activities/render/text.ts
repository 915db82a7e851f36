import type { PageSummary } from '../../domain/responder/types.ts';
import type { PageMessage } from './links.ts';

/** One line: no control characters, no runs of spaces, typographic marks in plain form so that an SMS stays one of GSM letters. */
export function plain(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[‘’]/g, "'")
    .replace(/[“”«»]/g, '"')
    .replace(/[–—]/g, '-')
    .replaceAll('…', '...')
    .replace(/\s+/g, ' ')
    .trim();
}

/** At most `length` characters, never half of one. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const kept = text.slice(0, Math.max(0, length - 3));
  return `${kept.replace(/[\uD800-\uDBFF]$/, '').trimEnd()}...`;
}

/** `#12 Disk full (Storage)` */
export function naming(page: PageSummary, titleLength: number): string {
  const service = cut(plain(page.serviceName), 30);
  return `#${page.incidentNumber} ${cut(plain(page.title), titleLength)} (${service})`;
}

/** `3 open` or `2 new, 5 open`: how many the message is about, and how many there are. */
export function counts(message: PageMessage): string {
  const { openCount, pages } = message;
  return openCount > pages.length ? `${pages.length} new, ${openCount} open` : `${openCount} open`;
}

/** `One open incident.` or `2 new, 5 open incidents.` */
export function headline(message: PageMessage): string {
  return message.openCount === 1 ? 'One open incident.' : `${counts(message)} incidents.`;
}

/** `2026-11-23 14:05 UTC` */
export function instant(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
}

/** `Reply 4: Ack, 6: Resolve`, with the code unless a bare reply can mean only this. */
export function replyHint(message: PageMessage, sharedAddress: boolean): string {
  const isBare =
    message.openCount === 1 &&
    message.pages.length === 1 &&
    !message.codeDemanded &&
    !sharedAddress;
  const code = isBare ? '' : ` ${message.code}`;
  return `Reply 4${code}: Ack, 6${code}: Resolve`;
}

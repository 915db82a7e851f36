import type { Delivery } from '../../domain/responder/types.ts';
import type { Outgoing } from '../../providers/provider.ts';
import { answerLink, replyAddress } from './links.ts';
import type { PageMessage, RenderContext } from './links.ts';
import { counts, cut, naming, plain } from './text.ts';

type Email = Extract<Outgoing, { channel: 'email' }>;

/** Incidents that a mail lists; it says how many more there are. */
const LISTED = 50;

export function renderEmail(delivery: Delivery, to: string, context: RenderContext): Email {
  const { message } = delivery;
  switch (message.kind) {
    case 'page':
      return page(delivery, message, to, context);
    case 'reply_result':
      return simple(to, cut(plain(message.text), 120), plain(message.text));
    case 'verification': {
      const account = cut(plain(message.accountName), 60);
      const text = `${message.code} verifies this address for ${account} in PD Lite.`;
      return simple(to, 'PD Lite: verify your address', text);
    }
  }
}

function simple(to: string, subject: string, text: string): Email {
  const html = `<p>${escapeHtml(text)}</p>`;
  return { channel: 'email', to, subject, text: `${text}\n`, html, replyTo: null };
}

function page(delivery: Delivery, message: PageMessage, to: string, context: RenderContext): Email {
  const ack = answerLink(delivery, message, 'acknowledge', context);
  const resolve = answerLink(delivery, message, 'resolve', context);
  const lines = listing(message);
  const hint = `Or reply to this mail: 4 ${message.code} acknowledges, 6 ${message.code} resolves.`;
  const html = [
    `<p>${escapeHtml(counts(message))}</p>`,
    `<ul>${lines.map((line) => `<li>${escapeHtml(line)}</li>`).join('')}</ul>`,
    `<p><a href="${escapeHtml(ack)}">Acknowledge</a> · <a href="${escapeHtml(resolve)}">Resolve</a></p>`,
    `<p>${escapeHtml(hint)}</p>`,
  ].join('\n');
  const text = [
    counts(message),
    ...lines,
    '',
    `Acknowledge: ${ack}`,
    `Resolve: ${resolve}`,
    '',
    hint,
    '',
  ].join('\n');
  const replyTo = replyAddress(delivery, message, context);
  return { channel: 'email', to, subject: subjectOf(message), text, html, replyTo };
}

function listing({ pages }: PageMessage): readonly string[] {
  const lines = pages
    .slice(0, LISTED)
    .map((item) => `${naming(item, 120)}, ${item.urgency} urgency, since ${item.triggeredAt}`);
  return pages.length > LISTED ? [...lines, `and ${pages.length - LISTED} more`] : lines;
}

function subjectOf(message: PageMessage): string {
  const [first] = message.pages;
  if (first && message.openCount === 1) return `[PD Lite] ${naming(first, 120)}`;
  const more = first ? `: ${naming(first, 80)}` : '';
  return `[PD Lite] ${counts(message)}${more}`;
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

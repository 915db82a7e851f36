import type { Delivery, PageSummary } from '../../domain/responder/types.ts';
import type { Outgoing } from '../../providers/provider.ts';
import { answerLink, replyAddress } from './links.ts';
import type { PageMessage, RenderContext } from './links.ts';
import { counts, cut, headline, instant, naming, plain } from './text.ts';

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
  const listed = message.pages.slice(0, LISTED);
  const left = message.pages.length - listed.length;
  const more = left > 0 ? [`and ${left} more`] : [];
  const hint = `Or reply to this mail: 4 ${message.code} acknowledges, 6 ${message.code} resolves.`;
  const html = [
    `<p>${headline(message)}</p>`,
    `<ul style="${STYLES.list}">${listed.map(listItem).join('')}</ul>`,
    ...more.map((line) => `<p>${line}</p>`),
    `<p>${button(ack, 'Acknowledge', STYLES.first)} &nbsp; ${button(resolve, 'Resolve', STYLES.second)}</p>`,
    `<p style="${STYLES.soft}">${escapeHtml(hint)}</p>`,
  ].join('\n');
  const lines = listed.map((item) => `${naming(item, 120)}, ${about(item)}`);
  const links = [`Acknowledge: ${ack}`, `Resolve: ${resolve}`];
  const text = [headline(message), ...lines, ...more, '', ...links, '', hint, ''].join('\n');
  const replyTo = replyAddress(delivery, message, context);
  const body = `<div style="${STYLES.body}">\n${html}\n</div>`;
  return { channel: 'email', to, subject: subjectOf(message), text, html: body, replyTo };
}

/** Written into each element: many mail programs drop a style sheet. Colours are readable on white and on black. */
const STYLES = {
  body: 'max-width:36em;font:16px/1.5 system-ui,-apple-system,Segoe UI,Roboto,sans-serif',
  list: 'margin:0 0 20px;padding:0;list-style:none',
  item: 'margin:0 0 10px;padding:2px 0 2px 12px;border-left:4px solid',
  first: 'color:#ffffff;background:#0b6b3a;border:1px solid #0b6b3a',
  second: 'color:#0b6b3a;background:#ffffff;border:1px solid #0b6b3a',
  button: 'display:inline-block;padding:12px 22px;border-radius:10px;font-weight:bold',
  soft: 'font-size:14px',
} as const;
const URGENCY_COLOURS = { high: '#b3261e', low: '#8a6d00' } as const;

function listItem(item: PageSummary): string {
  const style = `${STYLES.item} ${URGENCY_COLOURS[item.urgency]}`;
  const title = escapeHtml(naming(item, 120));
  return `<li style="${style}"><b>${title}</b><br>${escapeHtml(about(item))}</li>`;
}

function button(href: string, label: string, style: string): string {
  const rest = `${STYLES.button};text-decoration:none;${style}`;
  return `<a href="${escapeHtml(href)}" style="${rest}">${label}</a>`;
}

function about({ urgency, triggeredAt }: PageSummary): string {
  return `${urgency} urgency, since ${instant(triggeredAt)}`;
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

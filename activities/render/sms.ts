import type { Delivery } from '../../domain/responder/types.ts';
import { callbacks } from './links.ts';
import type { PageMessage, RenderContext } from './links.ts';
import { fitsSms } from './sms-size.ts';
import { counts, cut, naming, plain, replyHint } from './text.ts';
import type { Outgoing } from '../../providers/provider.ts';

/** Characters of a title, alone and among others; shorter where the message would not fit. */
const TITLE = { alone: 180, among: 60, least: 20 } as const;

export function renderSms(
  delivery: Delivery,
  to: string,
  context: RenderContext,
): Extract<Outgoing, { channel: 'sms' }> {
  const text = smsText(delivery, context);
  return { channel: 'sms', to, text, callbacks: callbacks(delivery, context) };
}

function smsText({ message }: Delivery, context: RenderContext): string {
  switch (message.kind) {
    case 'page':
      return pageText(message, context);
    case 'reply_result':
      return cutToFit(`PD Lite: ${plain(message.text)}`);
    case 'verification':
      return `PD Lite: ${message.code} verifies this number for ${cut(plain(message.accountName), 60)}. Reply STOP to end, HELP for help.`;
  }
}

function pageText(message: PageMessage, context: RenderContext): string {
  const hint = ` ${replyHint(message, context.sharedAddress)}`;
  const head = message.openCount === 1 ? 'PD Lite: ' : `PD Lite: ${counts(message)}. `;
  for (const names of listings(message)) {
    const text = head + names + hint;
    if (fitsSms(text)) return text;
  }
  return head.trimEnd() + hint;
}

/** First as many incidents as there are, then fewer with the number of the rest, then shorter titles. */
function* listings({ pages }: PageMessage): Generator<string> {
  const longest = pages.length === 1 ? TITLE.alone : TITLE.among;
  const names = pages.map((page) => naming(page, longest));
  for (let shown = names.length; shown > 0; shown--) {
    yield `${names.slice(0, shown).join('; ')}${rest(names.length - shown)}.`;
  }
  const [first] = pages;
  for (let length = longest; first && length >= TITLE.least; length -= 10) {
    yield `${naming(first, length)}${rest(pages.length - 1)}.`;
  }
}

function rest(count: number): string {
  return count > 0 ? `; +${count} more` : '';
}

function cutToFit(text: string): string {
  let length = text.length;
  while (!fitsSms(cut(text, length))) length = Math.min(length, 310) - 1;
  return cut(text, length);
}

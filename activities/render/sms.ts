import type { Delivery } from '../../domain/responder/types.ts';
import { callbacks } from './links.ts';
import type { PageMessage, RenderContext } from './links.ts';
import { counts, cut, naming, plain, replyHint } from './text.ts';
import type { Outgoing } from '../../providers/provider.ts';

/** Two parts of an SMS and a little: what PagerDuty's texts take. */
const LONGEST = 320;

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
      return cut(`PD Lite: ${plain(message.text)}`, LONGEST);
    case 'verification':
      return `PD Lite: ${message.code} verifies this number for ${cut(plain(message.accountName), 60)}. Reply STOP to end, HELP for help.`;
  }
}

function pageText(message: PageMessage, context: RenderContext): string {
  const hint = ` ${replyHint(message, context.sharedAddress)}`;
  const head = message.openCount === 1 ? 'PD Lite: ' : `PD Lite: ${counts(message)}. `;
  const room = LONGEST - head.length - hint.length;
  return head + fit(message, room) + hint;
}

/** As many incidents as there is room for, and the number of the rest. */
function fit({ pages }: PageMessage, room: number): string {
  const titleLength = pages.length === 1 ? 180 : 60;
  const names = pages.map((page) => naming(page, titleLength));
  for (let shown = names.length; shown > 0; shown--) {
    const rest = names.length - shown;
    const text = `${names.slice(0, shown).join('; ')}${rest > 0 ? `; +${rest} more` : ''}.`;
    if (text.length <= room) return text;
  }
  return `${cut(names[0] ?? '', room - 1)}.`;
}

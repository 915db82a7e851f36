import type { ContactMethod } from '../../domain/model.ts';
import type { Delivery } from '../../domain/responder/types.ts';
import type { Outgoing } from '../../providers/provider.ts';
import { renderEmail } from './email.ts';
import { answerLink, callbacks, voiceScript } from './links.ts';
import type { RenderContext } from './links.ts';
import { renderSms } from './sms.ts';
import { counts, cut, headline, naming, plain } from './text.ts';
import { webhookBody } from './webhook.ts';

/** Longest text that a call says. */
const SPOKEN = 500;

/** The message as the contact method's channel carries it, with the addresses at which it can be answered. */
export function render(
  delivery: Delivery,
  method: ContactMethod,
  context: RenderContext,
): Outgoing {
  const to = method.address;
  switch (method.channel) {
    case 'sms':
      return renderSms(delivery, to, context);
    case 'email':
      return renderEmail(delivery, to, context);
    case 'voice':
      return {
        ...{ channel: 'voice', to },
        speech: {
          script: voiceScript(delivery, pageOf(delivery), spoken(delivery), context),
          callbacks: callbacks(delivery, context),
        },
      };
    case 'push':
      return renderPush(delivery, to, context);
    case 'webhook': {
      const body = webhookBody(delivery, context.nowMs);
      return { channel: 'webhook', to, secret: method.secret ?? '', body };
    }
  }
}

function pageOf({ message }: Delivery) {
  return message.kind === 'page' ? message : null;
}

/** What the call says before it asks for a key. */
function spoken(delivery: Delivery): string {
  return cut(brief(delivery, ' '), SPOKEN);
}

function brief({ message }: Delivery, separator: string): string {
  if (message.kind === 'reply_result') return plain(message.text);
  if (message.kind === 'verification') {
    const code = message.code.replace(/(.)(?=.)/gu, '$1 ');
    return `Your PD Lite verification code is ${code}. Again: ${code}.`;
  }
  return [
    headline(message),
    ...message.pages.slice(0, 5).map((page) => `${naming(page, 80)}.`),
  ].join(separator);
}

function renderPush(
  delivery: Delivery,
  to: string,
  context: RenderContext,
): Extract<Outgoing, { channel: 'push' }> {
  const message = pageOf(delivery);
  const [first] = message?.pages ?? [];
  const isSingle = first !== undefined && message?.openCount === 1;
  const title = isSingle ? naming(first, 120) : `PD Lite: ${message ? counts(message) : 'message'}`;
  const text = cut(brief(delivery, '\n'), 1000);
  const urgent = message?.pages.some((page) => page.urgency === 'high') ?? false;
  const actions = message
    ? [
        { label: 'Acknowledge', url: answerLink(delivery, message, 'acknowledge', context) },
        { label: 'Resolve', url: answerLink(delivery, message, 'resolve', context) },
      ]
    : [];
  return { channel: 'push', to, title, text, urgent, actions };
}

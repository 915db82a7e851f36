import type { RequestHandler } from 'express';

import { callReceipt, messageReceipt } from '../../providers/twilio/receipts.ts';
import type { Report, TakeReport } from './receipts.ts';
import { field, formOf } from './twilio-guard.ts';

/** Twilio's reports about messages and calls. */
export function statusHandler(take: TakeReport): RequestHandler<{ channel: string }> {
  return async (request, response) => {
    response.status(204).end();
    const form = formOf(request.body);
    const { delivery } = request.query;
    const code = field(form, 'ErrorCode') || null;
    const deliveryId = typeof delivery === 'string' ? delivery.slice(0, 300) : null;
    const common = { vendor: 'twilio', code, deliveryId } as const;
    const call: Report = {
      ...{ ...common, channel: 'voice', providerId: field(form, 'CallSid') },
      state: callReceipt(field(form, 'CallStatus'), field(form, 'AnsweredBy')),
    };
    const message: Report = {
      ...{ ...common, channel: 'sms', providerId: field(form, 'MessageSid') },
      state: messageReceipt(field(form, 'MessageStatus'), code),
    };
    await take(request.params.channel === 'voice' ? call : message);
  };
}

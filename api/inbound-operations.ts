import { z } from 'zod';

import type { DescribedOperation } from './openapi.ts';

const FORM = 'application/x-www-form-urlencoded';
const token = z.object({ token: z.string() });
const form = z.record(z.string(), z.string()).describe('Twilio’s fields; any may be added.');
const forbidden = { 403: { description: 'The signature is missing or wrong.' } };
const twiml = { 200: { description: 'TwiML.', schema: z.string() }, ...forbidden };

type Part = Pick<DescribedOperation, 'path' | 'operationId' | 'summary' | 'responses'> &
  Partial<DescribedOperation>;
const callback = (part: Part): DescribedOperation => ({
  method: 'post',
  tag: 'Answers',
  permission: 'public',
  body: form,
  bodyType: FORM,
  answerType: 'text/xml',
  ...part,
});

const json = z.record(z.string(), z.unknown()).describe('Vonage’s fields; any may be added.');
const script = z.array(z.record(z.string(), z.unknown()));
const ncco = { 200: { description: 'NCCO.', schema: script }, ...forbidden };
const webhook = (part: Part): DescribedOperation => ({
  ...{ method: 'post', tag: 'Answers', permission: 'public', body: json },
  ...part,
});

/** Where answers come back, as the description of the api shows it. */
export const INBOUND_OPERATIONS: readonly DescribedOperation[] = [
  callback({
    path: '/inbound/twilio/sms',
    operationId: 'receiveSms',
    summary: 'A text message for us (signed by Twilio)',
    responses: twiml,
  }),
  callback({
    path: '/inbound/twilio/voice/{token}',
    operationId: 'answerCall',
    summary: 'What a call says (signed by Twilio)',
    params: token,
    responses: twiml,
  }),
  callback({
    path: '/inbound/twilio/voice/{token}/digits',
    operationId: 'receiveDigits',
    summary: 'A key pressed in a call (signed by Twilio)',
    params: token,
    responses: twiml,
  }),
  callback({
    path: '/inbound/twilio/status/{channel}',
    operationId: 'receiveStatus',
    summary: 'How a message or call went (signed by Twilio)',
    params: z.object({ channel: z.enum(['sms', 'voice']) }),
    responses: { 204: { description: 'Noted.' }, ...forbidden },
  }),
  webhook({
    path: '/inbound/vonage/sms',
    operationId: 'receiveVonageText',
    summary: 'A text message for us (signed by Vonage)',
    responses: { 200: { description: 'Taken.' }, ...forbidden },
  }),
  webhook({
    path: '/inbound/vonage/status',
    operationId: 'receiveVonageStatus',
    summary: 'How a message went (signed by Vonage)',
    responses: { 204: { description: 'Noted.' }, ...forbidden },
  }),
  webhook({
    path: '/inbound/vonage/voice/{token}',
    operationId: 'answerVonageCall',
    summary: 'What a call says (signed by Vonage)',
    params: token,
    responses: ncco,
  }),
  webhook({
    path: '/inbound/vonage/voice/{token}/digits',
    operationId: 'receiveVonageDigits',
    summary: 'A key pressed in a call, or none in time (signed by Vonage)',
    params: token,
    responses: ncco,
  }),
  webhook({
    path: '/inbound/vonage/voice/{token}/events',
    operationId: 'receiveVonageEvent',
    summary: 'How a call goes (signed by Vonage)',
    params: token,
    responses: { 204: { description: 'Noted.' }, ...forbidden },
  }),
  {
    method: 'get',
    path: '/answer/{token}',
    operationId: 'askAnswer',
    summary: 'The page behind a link in a message; looking changes nothing',
    tag: 'Answers',
    permission: 'public',
    params: token,
    answerType: 'text/html',
    responses: {
      200: { description: 'A page with a button.', schema: z.string() },
      404: { description: 'The link is unknown.', schema: z.string() },
      410: { description: 'The link has expired.', schema: z.string() },
    },
  },
  {
    method: 'post',
    path: '/answer/{token}',
    operationId: 'giveAnswer',
    summary: 'Acts: acknowledges, resolves or escalates as the link says',
    tag: 'Answers',
    permission: 'public',
    params: token,
    answerType: 'text/html',
    responses: {
      200: { description: 'What came of it.', schema: z.string() },
      404: { description: 'The link is unknown.', schema: z.string() },
      410: { description: 'The link has expired.', schema: z.string() },
    },
  },
];
